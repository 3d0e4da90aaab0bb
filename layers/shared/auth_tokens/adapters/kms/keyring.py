"""The data keys of this environment: unwrapped once a purpose and epoch, then kept in memory only.

From each data key HKDF-SHA-256 derives what is used, so that no two uses share a key.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth_tokens.adapters.kms.wrapper import KeyWrapper
from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.keys import KeyState, Purpose, StoredKey
from auth_tokens.domain.tokens import ChainKeys
from auth_tokens.usecases.ports import Clock

# Other environments may begin an epoch: the rows are looked at again this often, and at once
# (but no more often than the penalty) for an epoch not seen before.
MAX_AGE_S = 300
PENALTY_S = 30


@dataclass(frozen=True, slots=True)
class _Rows:
    by_epoch: dict[tuple[Purpose, int], StoredKey]
    loaded_at: int


class KeyRing:
    """Port usecases.ports.Keys, and the keys of codec and cipher.

    may_create: this function makes the first key of a purpose where there is none yet.
    """

    def __init__(self, table: KeyTable, wrapper: KeyWrapper, clock: Clock, *, may_create: bool) -> None:
        self._table = table
        self._wrapper = wrapper
        self._clock = clock
        self._may_create = may_create
        self._rows: _Rows | None = None
        self._data_keys: dict[tuple[Purpose, int], bytes] = {}
        self._chain_keys: dict[int, ChainKeys] = {}

    def chain_keys(self, epoch: int) -> ChainKeys | None:
        """The token chain's keys of an epoch; None for one that does not exist. Raises Unavailable."""
        if epoch not in self._chain_keys:
            data_key = self.data_key(Purpose.TOKEN_CHAIN, epoch)
            if data_key is None:
                return None
            self._chain_keys[epoch] = ChainKeys(
                epoch, *(_derived(data_key, label) for label in (b"chain", b"store", b"tag"))
            )
        return self._chain_keys[epoch]

    def chain_epoch(self) -> int:
        return self.current_epoch(Purpose.TOKEN_CHAIN)

    def pseudonym(self, purpose: str, value: str) -> bytes:
        return self._keyed(b"pseudonym " + purpose.encode(), value.encode(errors="surrogatepass"))[:16]

    def retry_key_hash(self, token_id: bytes, idempotency_key: str) -> bytes:
        return self._keyed(b"retry-key", token_id + idempotency_key.encode())

    def current_epoch(self, purpose: Purpose) -> int:
        """The newest active epoch, made if this is the first use ever."""
        epochs = self._active_epochs(purpose, max_age_s=MAX_AGE_S)
        if not epochs and self._may_create:
            self._create(purpose)
            epochs = self._active_epochs(purpose, max_age_s=0)
        if not epochs:
            raise Unavailable(f"no {purpose.value} key yet")
        return max(epochs)

    def data_key(self, purpose: Purpose, epoch: int) -> bytes | None:
        """The plain data key, from memory or by one KMS call; None for an epoch that does not exist."""
        name = (purpose, epoch)
        if name not in self._data_keys:
            row = self._row(purpose, epoch)
            if row is None or row.wrapped_key is None:
                return None
            self._data_keys[name] = self._wrapper.unwrap(row.wrapped_key, _context(row.kid, purpose))
        return self._data_keys[name]

    def _keyed(self, label: bytes, value: bytes) -> bytes:
        # The first epoch's key, whichever is current: a pseudonym must stay comparable over time.
        data_key = self.data_key(Purpose.TOKEN_CHAIN, min(self._known_epochs()))
        assert data_key is not None
        return hmac.digest(_derived(data_key, label), value, sha256)

    def _known_epochs(self) -> list[int]:
        self.chain_epoch()
        return self._active_epochs(Purpose.TOKEN_CHAIN, max_age_s=MAX_AGE_S)

    def _row(self, purpose: Purpose, epoch: int) -> StoredKey | None:
        rows = self._load(MAX_AGE_S)
        if (purpose, epoch) not in rows.by_epoch:
            rows = self._load(PENALTY_S)
        return rows.by_epoch.get((purpose, epoch))

    def _active_epochs(self, purpose: Purpose, max_age_s: int) -> list[int]:
        rows = self._load(max_age_s).by_epoch
        return [e for (p, e), row in rows.items() if p is purpose and row.state is KeyState.ACTIVE]

    def _load(self, max_age_s: int) -> _Rows:
        now = self._clock()
        if self._rows is None or now - self._rows.loaded_at >= max_age_s:
            keys = {(key.purpose, key.epoch): key for key in self._table.all()}
            self._rows = _Rows(keys, now)
        return self._rows

    def _create(self, purpose: Purpose) -> None:
        kid = f"{purpose.value}.1"
        wrapped = self._wrapper.wrap(secrets.token_bytes(32), _context(kid, purpose))
        now = self._clock()
        self._table.insert(StoredKey(kid, purpose, 1, KeyState.ACTIVE, "HKDF-SHA-256", wrapped, None, now))


def _context(kid: str, purpose: Purpose) -> dict[str, str]:
    """The encryption context: IAM conditions name the purpose, and the kid ties a ciphertext to its row."""
    return {"purpose": purpose.value, "kid": kid}


def _derived(data_key: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"auth-user-tokens " + label).derive(data_key)
