"""What the Portal's table holds of a token, also where that is a hash with a key."""

from auth_tokens.adapters.kms.unwrapped_keys import UnwrappedKeyCache
from auth_tokens.domain.keys import KeyState, Purpose, StoredKey
from auth_tokens.domain.legacy_tokens import LegacyTokens

# With it the ciphertext of the Portal's key is made: purpose `token-chain`, kid `legacy-tokens`.
LEGACY_KID = "legacy-tokens"


class LegacyDigests:
    """Port ports.takeovers.Digests. held: unwraps the Portal's key, once, where there is one."""

    def __init__(self, legacy: LegacyTokens, held: UnwrappedKeyCache[bytes]) -> None:
        self._legacy = legacy
        self._held = held

    def stored(self, token: str) -> str | bytes:
        return self._legacy.stored.of(token, self._secret())

    def _secret(self) -> bytes | None:
        wrapped = self._legacy.secret
        if wrapped is None:
            return None
        purpose = Purpose.TOKEN_CHAIN
        return self._held.get(StoredKey(LEGACY_KID, purpose, 0, KeyState.ACTIVE, "HS256", wrapped, None, 0))
