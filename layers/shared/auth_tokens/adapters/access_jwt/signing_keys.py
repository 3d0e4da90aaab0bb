"""Port usecases.ports.SigningKeys on auth_token_keys, with KMS to wrap what is made."""

from auth_tokens.adapters.access_jwt.signer import new_signing_key, signing_rows
from auth_tokens.adapters.kms.wrapper import KeyWrapper
from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.domain.keys import Add, Advance, StoredKey


class StoredSigningKeys:
    def __init__(self, table: KeyTable, wrapper: KeyWrapper, algorithm: str) -> None:
        self._table = table
        self._wrapper = wrapper
        self._algorithm = algorithm

    def all(self) -> list[StoredKey]:
        return signing_rows(self._table)

    def add(self, step: Add, now: int) -> None:
        self._table.insert(new_signing_key(self._algorithm, step.epoch, step.state, self._wrapper, now))

    def advance(self, step: Advance, now: int) -> bool:
        return self._table.advance(step.kid, step.before, step.after, now)
