"""The start of a session: the sign-in, the user's live rows, and all that one transaction writes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.sessions import LiveDevice, LiveSession, TokenRecord, User
from auth_tokens.domain.tokens import OpaqueToken


@dataclass(frozen=True, slots=True)
class SignIn:
    """Whose session is about to start, and the conditions of it, which are checked again under lock as it starts.

    session_id: of the new session; device_id: of the device that the caller names or whose token opens the session, if
    any; at: when the sign-in began; stop_number: of the last end of everything before that, as it was read with the
    account, or else the time in milliseconds, which a later end's number exceeds; password_hash: the very one that was
    verified, None where no password was; user_created_us: which account of the user id it is.
    """

    user_id: str
    session_id: bytes
    device_id: bytes | None
    at: int
    stop_number: int
    password_hash: str | None = field(default=None, repr=False)
    user_created_us: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A user with what only a sign-in needs. stop_number: of the last end of everything of this user."""

    user: User
    password_hash: str | None = field(repr=False)
    stop_number: int = 0

    def sign_in(
        self, session_id: bytes, device_id: bytes | None, at: int, password_hash: str | None
    ) -> SignIn:
        """A start of a session of this user, on what was read with the account."""
        made_us = self.user.created_us
        return SignIn(self.user.id, session_id, device_id, at, self.stop_number, password_hash, made_us)


class SignInOvertaken(Exception):
    """A condition of a sign-in no longer holds: the user was disabled, the password changed, or everything of the user
    ended meanwhile. Nothing was written; each way of signing in handles it in its own way."""


class SessionExists(Exception):
    """A session with this id exists: another call has started it by the same key. Nothing was written."""


class KeysChanged(Exception):
    """Keys have changed since those in memory were read. Nothing was written: no key is read while a user's row is
    locked."""


@dataclass(frozen=True, slots=True)
class LiveRows:
    """The live rows of a user as a session starts. device: the one that the sign-in names, as a whole row."""

    sessions: Sequence[LiveSession]
    devices: Sequence[LiveDevice]
    device: TokenRecord | None


@dataclass(frozen=True, slots=True)
class EndedRows:
    """Rows that end for a new session. rows: the user's evicted sessions and devices, and the sessions of the same
    device, which are replaced; replaced: the session that the browser had until now, perhaps another user's."""

    rows: Sequence[bytes]
    replaced: bytes | None = None

    @property
    def ids(self) -> Sequence[bytes]:
        """Each once."""
        if self.replaced is None or self.replaced in self.rows:
            return self.rows
        return [*self.rows, self.replaced]


@dataclass(frozen=True, slots=True)
class SessionStart:
    """One transaction's worth of a new session. token, device_token: for the answer; the rows have their hashes."""

    session: TokenRecord
    device: TokenRecord
    ended: EndedRows
    events: Sequence[SecurityEvent]
    token: OpaqueToken
    device_token: OpaqueToken | None
