"""The data keys of this environment: unwrapped once a purpose and epoch, then kept in memory only.

From each data key HKDF-SHA-256 derives what is used, so that no two uses share a key.

The wrapped material is the data key (32 bytes). For the token chain the pseudonym key follows, which each epoch copies
from the one before: pseudonyms and limits stay comparable, and need no further call to KMS.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import sha256

from auth_tokens.adapters.kms.hkdf import Derive, deriving
from auth_tokens.adapters.kms.unwrapped_keys import UnwrappedKeyCache
from auth_tokens.adapters.kms.wrapper import KeyWrapper, context_of
from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.adapters.mysql.keys_version import KeysRead, KeysVersion
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.key_steps import Add, first_steps
from auth_tokens.domain.keys import PENALTY_S, ROWS_MAX_AGE_S, KeyState, Purpose, StoredKey
from auth_tokens.domain.tokens import ChainKeys, OpaqueToken
from auth_tokens.observability import Telemetry
from auth_tokens.ports.clock import Clock

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class _DataKey:
    pseudonym_material: bytes = field(repr=False)
    pseudonym_key: Derive = field(repr=False)
    row_key: Derive = field(repr=False)
    chain: ChainKeys = field(repr=False)
    retry: bytes = field(repr=False)


class KeyRing:
    """Port ports.keys.Keys, and the keys of codec and cipher.

    may_create: this function makes the first keys of a purpose that has none; version: shows a change of keys, so that
    a withdrawn key is no longer used.
    """

    def __init__(
        self,
        table: KeyTable,
        wrapper: KeyWrapper,
        clock: Clock,
        telemetry: Telemetry,
        *,
        max_age_s: int,
        may_create: bool,
        version: KeysVersion | None = None,
    ) -> None:
        self._table = table
        self._wrapper = wrapper
        self._clock = clock
        self._may_create = may_create
        self._rows: dict[tuple[Purpose, int], StoredKey] = {}
        self._newest: dict[Purpose, StoredKey] = {}  # of those in use
        self._read = KeysRead(version)
        self._held = UnwrappedKeyCache(wrapper, clock, telemetry, max_age_s, _data_key)

    def chain_keys(self, epoch: int) -> ChainKeys | None:
        """The token chain's keys of an epoch; None for one that does not exist. Raises Unavailable."""
        held = self._opened(Purpose.TOKEN_CHAIN, epoch)
        return held.chain if held else None

    def chain_epoch(self) -> int:
        return self._current(Purpose.TOKEN_CHAIN).epoch

    def ready(self) -> None:
        for purpose in (Purpose.TOKEN_CHAIN, Purpose.METADATA):
            self._held.get(self._current(purpose))

    def pseudonym(self, purpose: str, value: str) -> bytes:
        held = self._held.get(self._current(Purpose.TOKEN_CHAIN))
        key = held.pseudonym_key(b"pseudonym " + purpose.encode())
        return hmac.digest(key, value.encode(errors="surrogatepass"), sha256)[:16]

    def retry_key_hash(self, token: OpaqueToken, idempotency_key: str) -> bytes:
        held = self._opened(Purpose.TOKEN_CHAIN, token.epoch)
        assert held is not None  # the codec has read the token
        return hmac.digest(held.retry, token.id + idempotency_key.encode(), sha256)

    def current_row_key(self, purpose: Purpose, row: bytes) -> tuple[int, bytes]:
        """(epoch, key of one row) of the newest data key in use, which is made if this is the first use ever. Raises
        Unavailable."""
        current = self._current(purpose)
        return current.epoch, self._held.get(current).row_key(b"row " + row)

    def row_key(self, purpose: Purpose, epoch: int, row: bytes) -> bytes | None:
        """The key of one row, of a data key in memory or by one KMS call; None for an epoch that does not exist, or is
        gone. row: what names it."""
        held = self._opened(purpose, epoch)
        return held.row_key(b"row " + row) if held else None

    def candidates(self, step: Add, now: int) -> list[StoredKey]:
        """A fresh data key for a step, wrapped. Raises Unavailable."""
        kid = f"{step.purpose.value}.{step.epoch}"
        material = secrets.token_bytes(_KEY_BYTES)
        if step.purpose is Purpose.TOKEN_CHAIN:
            material += self._pseudonym_key()
        wrapped = self._wrapper.wrap(material, context_of(kid, step.purpose))
        return [StoredKey(kid, step.purpose, step.epoch, step.state, "HKDF-SHA-256", wrapped, None, now)]

    def _pseudonym_key(self) -> bytes:
        self._load(0)
        current = self._newest.get(Purpose.TOKEN_CHAIN)
        return self._held.get(current).pseudonym_material if current else secrets.token_bytes(_KEY_BYTES)

    def _current(self, purpose: Purpose) -> StoredKey:
        """The newest in use, made if this is the first use ever."""
        self._load(ROWS_MAX_AGE_S)
        return self._newest.get(purpose) or self._first(purpose)

    def _first(self, purpose: Purpose) -> StoredKey:
        if self._may_create:
            for step in first_steps(purpose):
                self._table.insert(*self.candidates(step, self._clock()))
            self._load(0)
        if purpose not in self._newest:
            raise Unavailable(f"no {purpose.value} key yet")
        return self._newest[purpose]

    def _opened(self, purpose: Purpose, epoch: int) -> _DataKey | None:
        row = self._load(ROWS_MAX_AGE_S).get((purpose, epoch)) or self._unknown(purpose, epoch)
        return self._held.get(row) if row and row.wrapped_key else None

    def _unknown(self, purpose: Purpose, epoch: int) -> StoredKey | None:
        # Before the first key there is no epoch that could be guessed, and the first token must not wait.
        is_first = not any(known is purpose for known, _ in self._rows)
        return self._load(0 if is_first else PENALTY_S).get((purpose, epoch))

    def _load(self, max_age_s: int) -> dict[tuple[Purpose, int], StoredKey]:
        now = self._clock()
        if not self._read.is_fresh(now, max_age_s):
            rows = {(key.purpose, key.epoch): key for key in self._table.all()}
            if not self._rows.keys() <= rows.keys():
                self._held.clear()  # a key is gone, so it must leave the memory
            self._rows = rows
            in_use = [row for row in rows.values() if row.state is KeyState.ACTIVE]
            self._newest = {row.purpose: row for row in sorted(in_use, key=lambda row: row.epoch)}
            self._read.done(now)
        return self._rows


def _data_key(row: StoredKey, material: bytes) -> _DataKey:
    pseudonym_material = material[-_KEY_BYTES:]
    derive = deriving(material[:_KEY_BYTES])
    chain = ChainKeys(row.epoch, *(derive(label) for label in (b"chain", b"store", b"tag")))
    return _DataKey(pseudonym_material, deriving(pseudonym_material), derive, chain, derive(b"retry-key"))
