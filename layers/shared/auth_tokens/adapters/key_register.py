"""Port ports.keys.KeyRegister on auth_token_keys."""

from collections.abc import Callable, Iterable, Mapping

from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.domain.key_steps import Add, Advance
from auth_tokens.domain.keys import Purpose, StoredKey

# The keys that a step may mean; the first that is not known yet is the one.
Maker = Callable[[Add, int], Iterable[StoredKey]]


class StoredKeys:
    """Every purpose's keys, each made by the maker of its purpose."""

    def __init__(self, table: KeyTable, makers: Mapping[Purpose, Maker]) -> None:
        self._table = table
        self._makers = makers

    def of(self, purpose: Purpose) -> list[StoredKey]:
        return self._table.of(purpose)

    def add(self, step: Add, now: int) -> bool:
        return any(self._table.insert(key) for key in self._makers[step.purpose](step, now))

    def advance(self, step: Advance, now: int) -> bool:
        return self._table.advance(step.kid, step.before, step.after, now)
