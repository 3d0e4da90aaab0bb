"""Password hashes of auth_users: Argon2id today, bcrypt from the older Portal, upgraded at login.

A password is its UTF-8 bytes as typed: not trimmed, cut or normalised (docs/passwords.md).
"""

import base64
import secrets

import bcrypt
from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import InvalidHashError, VerificationError

# bcrypt looks at no more; a longer password was cut when the old Portal hashed it, and is cut the same way.
_BCRYPT_BYTES = 72


class PortalPasswords:
    """Port usecases.ports.PasswordHasher. By default OWASP's parameters: 19 MiB, 2 passes, 1 lane."""

    def __init__(self, memory_kib: int = 19_456, passes: int = 2, lanes: int = 1) -> None:
        self._argon2 = Argon2(time_cost=passes, memory_cost=memory_kib, parallelism=lanes, type=Type.ID)
        self._dummy = _nobodys_hash(self._argon2)

    def verify(self, password: str, password_hash: str | None) -> bool:
        if password_hash is not None and password_hash.startswith("$2"):
            return _bcrypt_matches(password, password_hash)
        try:
            return self._argon2.verify(password_hash or self._dummy, password)
        except VerificationError:
            return False
        except InvalidHashError:  # not a hash: costs what a wrong password costs
            return self.verify(password, None)

    def upgraded(self, password: str, password_hash: str) -> str | None:
        if password_hash.startswith("$argon2id$") and not self._argon2.check_needs_rehash(password_hash):
            return None
        if password_hash.startswith("$2") and len(password.encode()) > _BCRYPT_BYTES:
            # bcrypt has not seen the end: a misspelt one would be hashed for good, and lock the user out.
            return None
        return self._argon2.hash(password)


def _nobodys_hash(argon2: Argon2) -> str:
    """A hash that no password is known for, by the very parameters of everybody's: verifying it costs the same."""
    parameters = f"m={argon2.memory_cost},t={argon2.time_cost},p={argon2.parallelism}"
    salt, digest = secrets.token_bytes(argon2.salt_len), secrets.token_bytes(argon2.hash_len)
    return f"$argon2id$v=19${parameters}${_base64(salt)}${_base64(digest)}"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _bcrypt_matches(password: str, password_hash: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], password_hash.encode())
    except ValueError:
        return False
