"""A database that fails: before a statement reaches the server, or after the server has carried it out."""

from collections.abc import Callable, Collection

from auth_tokens.adapters.mysql.connection import Transaction

DEADLOCK, LOCK_WAIT, CHANGED, GONE, LOST, READ_ONLY, READ_ONLY_MODE = 1213, 1205, 1020, 2006, 2013, 1290, 1836


class Crash(BaseException):
    """The process ends here."""


class Faults:
    """Fails statements of one kind, in one wording or several: before they reach the server, or after it has carried
    them out. meanwhile: what others do before the caller hears of it."""

    def __init__(
        self,
        statement: str | Collection[str],
        error: BaseException,
        *,
        times: int,
        after: bool,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        self._statements = (statement,) if isinstance(statement, str) else statement
        self._error, self._times, self._after = error, times, after
        self._meanwhile = meanwhile

    def end(self) -> None:
        self._times = 0

    def wrap(self, call: Callable[..., object]) -> Callable[..., object]:
        def failing(transaction: Transaction, sql: str, parameters: object = ()) -> object:
            if sql not in self._statements or self._times == 0:
                return call(transaction, sql, parameters)
            self._times -= 1
            if self._after:
                call(transaction, sql, parameters)
            self._meanwhile()
            raise self._error

        return failing


Arrange = Callable[..., Faults]
