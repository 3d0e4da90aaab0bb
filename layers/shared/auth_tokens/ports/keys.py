"""Keys, and what is done with them."""

from collections.abc import Mapping
from typing import Any, Protocol

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.key_steps import Add, Advance
from auth_tokens.domain.keys import Purpose, StoredKey
from auth_tokens.domain.tokens import OpaqueToken


class Keys(Protocol):
    """Key material of this environment. Raises Unavailable when KMS or store is needed and out of reach."""

    def chain_epoch(self) -> int:
        """The epoch under which new tokens are made."""

    def ready(self) -> None:
        """All that a start of a session needs of key material is in memory now."""

    def pseudonym(self, purpose: str, value: str) -> bytes:
        """16 bytes that stand for a value (a network, an account) and cannot be turned back."""

    def retry_key_hash(self, token: OpaqueToken, idempotency_key: str) -> bytes:
        """32 bytes that stand for the Idempotency-Key with which a token is spent; by the token's own epoch."""


class Cipher(Protocol):
    """Encryption at rest, bound to the row it belongs to and, where rows move on, to their generation:
    an older ciphertext of the same row does not open. 0 for rows that are written once."""

    def seal(self, plaintext: bytes, row_id: bytes, user_id: str, generation: int = 0) -> bytes:
        """Ciphertext for this row only."""

    def open(self, ciphertext: bytes, row_id: bytes, user_id: str, generation: int = 0) -> bytes | None:
        """The plaintext; None if the ciphertext is not this row's or was tampered with."""


class Signer(Protocol):
    def sign(self, claims: Mapping[str, Any]) -> str:
        """An access token (JWT). Raises Unavailable."""


class Verifier(Protocol):
    def verify(self, token: str, now: int) -> AccessClaims:
        """The claims of a good access token. Raises InvalidAccessToken, Unavailable."""


class KeyRegister(Protocol):
    """The keys, for usecases.rotate_keys. Raises Unavailable."""

    def of(self, purpose: Purpose) -> list[StoredKey]:
        """Every key that a purpose ever had, oldest first."""

    def add(self, step: Add, now: int) -> bool:
        """Make a key; False where there is none to make, or its epoch is taken."""

    def advance(self, step: Advance, now: int) -> bool:
        """Move a key on; False where another run has done it."""
