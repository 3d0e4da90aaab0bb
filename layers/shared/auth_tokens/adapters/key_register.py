"""Port ports.keys.KeyRegister on auth_token_keys."""

from collections.abc import Callable, Iterable, Mapping

from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.domain.key_steps import Add, Advance
from auth_tokens.domain.keys import Purpose, StoredKey

# Candidates for a step's new key; the first whose kid is not taken is added.
Maker = Callable[[Add, int], Iterable[StoredKey]]


class MySqlKeyRegister:
    """The keys of every purpose. makers: make the new keys of a purpose."""

    def __init__(self, table: KeyTable, makers: Mapping[Purpose, Maker]) -> None:
        self._table = table
        self._makers = makers

    def of(self, purpose: Purpose) -> list[StoredKey]:
        return self._table.of(purpose)

    def add(self, step: Add, now: int) -> bool:
        return any(self._table.insert(key) for key in self._makers[step.purpose](step, now))

    def advance(self, step: Advance, now: int) -> bool:
        return self._table.advance(step.kid, step.before, step.after, now)
