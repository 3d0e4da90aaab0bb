"""Password hashes of auth_users: Argon2id today, bcrypt from the older Portal, upgraded at login.

A password is its UTF-8 bytes as typed: not trimmed, cut or normalised (docs/explanation/passwords.md).

Every verification computes one hash of each kind that the Portal has: the user's own hash, and a dummy hash of each
other kind. So an answer takes the same time for every kind and for an unknown user, without measuring time
(docs/explanation/passwords.md).
"""

import base64
import contextlib
import secrets
from collections.abc import Callable, Iterable

import bcrypt
from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from auth_tokens.domain.password_hashes import MAX_WORK, Argon2Kind, BcryptKind, Kind, kind_of
from auth_tokens.observability import NullTelemetry, Telemetry

# bcrypt ignores further bytes; a longer password was cut when the old Portal hashed it, and is cut the same way.
_BCRYPT_BYTES = 72
# Of all kinds together: twice the dearest single one, well within the function's time.
MAX_TOTAL_WORK = 2 * MAX_WORK
MAX_KINDS = 8


class PortalPasswords:
    """Port ports.accounts.PasswordHasher. By default OWASP's parameters: 19 MiB, 2 passes, 1 lane.

    kinds_in_use: heads of hashes in the Portal, read once, at the first verification. Another kind is known from its
    first hash on.
    """

    def __init__(
        self,
        memory_kib: int = 19_456,
        passes: int = 2,
        lanes: int = 1,
        kinds_in_use: Callable[[], Iterable[str]] = tuple,
        telemetry: Telemetry = NullTelemetry(),  # noqa: B008 - it has no state
    ) -> None:
        self._argon2 = Argon2(time_cost=passes, memory_cost=memory_kib, parallelism=lanes, type=Type.ID)
        self._own = Argon2Kind(
            f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}", memory_kib, passes, lanes
        )
        self._dummy = _dummy_hash(self._own)
        self._dummies: dict[Argon2Kind, str] = {self._own: self._dummy}
        self._bcrypt: BcryptKind | None = None  # the dearest in use
        self._kinds_in_use: Callable[[], Iterable[str]] | None = kinds_in_use
        self._telemetry = telemetry

    def verify(self, password: str, password_hash: str | None) -> bool:
        self._load_kinds_in_use()
        stored = password_hash or ""
        kind = self._computable(stored)
        if kind is not None:
            self._add_kind(kind)
        matches_bcrypt = self._work_of_bcrypt(password, stored, kind)
        matches_argon2 = self._work_of_argon2(password, stored, kind)
        return matches_bcrypt or matches_argon2

    def upgraded(self, password: str, password_hash: str) -> str | None:
        if password_hash.startswith("$argon2id$") and not self._argon2.check_needs_rehash(password_hash):
            return None
        if password_hash.startswith("$2") and len(password.encode()) > _BCRYPT_BYTES:
            # bcrypt has not seen the end: a misspelt end would be hashed, and lock the user out.
            return None
        return self._argon2.hash(password)

    def _computable(self, stored: str) -> Kind | None:
        """The kind of a hash that may be computed; a hash beyond the bounds is reported."""
        kind = kind_of(stored)
        if kind is not None and (kind.is_bounded or kind == self._own):
            return kind
        if stored.startswith(("$2", "$argon2")):
            self._telemetry.count("PasswordHashRefused")
        return None

    def _load_kinds_in_use(self) -> None:
        if self._kinds_in_use is not None:
            for head in self._kinds_in_use():
                kind = kind_of(head)
                if kind is not None and kind.is_bounded:
                    self._add_kind(kind)
            self._kinds_in_use = None

    def _add_kind(self, kind: Kind) -> None:
        """Add this kind to the work of every verification from now on, if the bounds allow it."""
        match kind:
            case BcryptKind():
                dearest = max(kind, self._bcrypt or kind, key=lambda one: one.work)
                if self._has_room([*self._dummies, dearest]):
                    self._bcrypt = dearest
            case Argon2Kind() if kind not in self._dummies:
                if self._has_room([*self._dummies, kind, *([self._bcrypt] if self._bcrypt else [])]):
                    self._dummies[kind] = _dummy_hash(kind)

    def _has_room(self, kinds: list[Kind]) -> bool:
        beyond_our_own = sum(kind.work for kind in kinds) - self._own.work
        has_room = len(kinds) <= MAX_KINDS and beyond_our_own <= MAX_TOTAL_WORK
        if not has_room:
            self._telemetry.count("PasswordHashUnpadded")
        return has_room

    def _work_of_bcrypt(self, password: str, stored: str, kind: Kind | None) -> bool:
        """The dearest bcrypt's work: 2^n rounds are 2^m, and then 2^m, 2^(m+1) … 2^(n-1) more."""
        secret = password.encode()[:_BCRYPT_BYTES]
        matches, rest = False, [self._bcrypt.cost] if self._bcrypt else []
        if isinstance(kind, BcryptKind):
            matches = _bcrypt_matches(secret, stored, kind)
            rest = list(range(kind.cost, self._bcrypt.cost)) if self._bcrypt else []
        for cost in rest:
            bcrypt.hashpw(secret, bcrypt.gensalt(cost))
        return matches

    def _work_of_argon2(self, password: str, stored: str, kind: Kind | None) -> bool:
        matches = False
        for each, dummy in self._dummies.items():
            if each == kind:
                matches = self._argon2_matches(password, stored, dummy)
            else:
                self._argon2_matches(password, dummy, dummy)
        if isinstance(kind, Argon2Kind) and kind not in self._dummies:
            matches = self._argon2_matches(password, stored, self._dummy)
        return matches

    def _argon2_matches(self, password: str, stored: str, dummy: str) -> bool:
        """dummy: a hash of the same kind, computed instead of a stored one that turns out to be malformed."""
        try:
            return self._argon2.verify(stored, password)
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError):
            with contextlib.suppress(VerificationError):
                self._argon2.verify(dummy, password)
            return False


def _bcrypt_matches(secret: bytes, stored: str, kind: BcryptKind) -> bool:
    try:
        return bcrypt.checkpw(secret, stored.encode())
    except ValueError:  # malformed: costs what a wrong password costs
        bcrypt.hashpw(secret, bcrypt.gensalt(kind.cost))
        return False


def _dummy_hash(kind: Argon2Kind) -> str:
    """A hash without a known password: verifying it takes as long as any other of its kind."""
    return f"{kind.head}${_base64(secrets.token_bytes(16))}${_base64(secrets.token_bytes(32))}"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")
