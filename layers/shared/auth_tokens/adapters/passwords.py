"""Password hashes of auth_users: Argon2id today, bcrypt from the older Portal, upgraded at login."""

import secrets

import bcrypt
from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
_MEMORY_KIB = 19_456
_PASSES = 2
_LANES = 1
# bcrypt looks at no more; a longer password was cut when the old Portal hashed it, and is cut the same way.
_BCRYPT_BYTES = 72


class PortalPasswords:
    """Port usecases.ports.PasswordHasher."""

    def __init__(self) -> None:
        self._argon2 = Argon2(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._dummy: str | None = None

    def verify(self, password: str, password_hash: str | None) -> bool:
        if password_hash is None:
            self._verified(password, self._dummy_hash())
            return False
        return self._verified(password, password_hash)

    def upgraded(self, password: str, password_hash: str) -> str | None:
        if password_hash.startswith("$argon2id$") and not self._argon2.check_needs_rehash(password_hash):
            return None
        return self._argon2.hash(password)

    def _verified(self, password: str, password_hash: str) -> bool:
        if password_hash.startswith("$2"):
            return _bcrypt_matches(password, password_hash)
        try:
            return self._argon2.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def _dummy_hash(self) -> str:
        """The hash of nobody's password, by the very parameters of everybody's."""
        if self._dummy is None:
            self._dummy = self._argon2.hash(secrets.token_urlsafe())
        return self._dummy


def _bcrypt_matches(password: str, password_hash: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], password_hash.encode())
    except ValueError:
        return False
