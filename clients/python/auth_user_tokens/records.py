"""What a store keeps: one JSON text, compared and written as a whole.

    {"v": 1, "issuer": …, "session": {…} or null, "device": {…} or null}

Rule 1 of docs/how-to/clients.md: the Idempotency-Key of a token is a hash of a random salt, stored at sign-in, and a
counter that grows in the write that saves the successor. So all tries of all processes carry one key, and none has
to be saved before sending.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from auth_user_tokens.answers import TokenAnswer
from auth_user_tokens.clock import Instant
from auth_user_tokens.errors import StoreError

# Grows when an earlier reader would misread a record. A member that it can do without changes nothing: what it does not
# know it ignores, and here an absent one has a default.
VERSION = 1
UNKNOWN_CLOCK = 0.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """A session. n: rotations since `salt` was made; obtained_at: epoch seconds, before the request was sent;
    clock_zero: `Instant.zero` of the clock that says so; UNKNOWN_CLOCK in records of before it was kept."""

    session_id: str
    scope: str
    salt: str = field(repr=False)
    n: int
    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)
    expires_in: int
    obtained_at: float
    clock_zero: float = UNKNOWN_CLOCK
    token_type: str = "Bearer"

    @property
    def retry_key(self) -> str:
        return _key(self.salt, self.n)

    def rotated(self, answer: TokenAnswer, sent: Instant) -> Tokens:
        return _tokens(answer, self.salt, self.n + 1, sent)


@dataclass(frozen=True, slots=True)
class Device:
    """Outlives sessions. token: opens a session without a password, where one was asked for."""

    id: str
    salt: str = field(repr=False)
    n: int = 0
    token: str | None = field(default=None, repr=False)

    @property
    def retry_key(self) -> str:
        return _key(f"device.{self.salt}", self.n)


@dataclass(frozen=True, slots=True)
class Saved:
    """The whole record. issuer: tokens of one service never go to another."""

    issuer: str
    session: Tokens | None = None
    device: Device | None = None

    def signed_in(self, answer: TokenAnswer, salt: str, sent: Instant) -> Saved:
        """With a new session, on a device that may be new."""
        device = self.device if self.device and self.device.id == answer["device_id"] else None
        if "device_token" in answer or device is None:
            n = device.n + 1 if device else 0
            device = Device(
                answer["device_id"], device.salt if device else salt, n, answer.get("device_token")
            )
        return replace(self, session=_tokens(answer, salt, 0, sent), device=device)

    def signed_out(self, keep_device_token: bool) -> Saved:
        """Without its session. Kept even where it is empty: an absent record was cleared, and signs nobody out."""
        device = self.device
        if device and not keep_device_token:
            device = replace(device, token=None)
        return replace(self, session=None, device=device)


def text_of(saved: Saved) -> str:
    """As it is stored."""
    return json.dumps({"v": VERSION, **asdict(saved)}, separators=(",", ":"))


def saved_in(text: str | None, issuer: str) -> Saved:
    """What a stored text says; an empty store is a record without session. Raises StoreError: no JSON, another
    version, half a record, another issuer's."""
    if text is None:
        return Saved(issuer)
    try:
        value = json.loads(text)
    except ValueError:
        raise StoreError("the store holds what is not JSON") from None
    if not isinstance(value, dict) or value.get("v") != VERSION:
        raise StoreError("the store holds a record of another version")
    if value.get("issuer") != issuer:
        raise StoreError("the store holds a record of another issuer")
    return Saved(issuer, _part(Tokens, value.get("session")), _part(Device, value.get("device")))


# Members that records of earlier releases lack.
_LATER = {"clock_zero", "token_type"}
_Part = TypeVar("_Part", Tokens, Device)
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "int": (int,),
    "float": (int, float),
}


def _part(kind: type[_Part], value: Any) -> _Part | None:
    if value is None:
        return None
    fields = kind.__dataclass_fields__
    if not isinstance(value, dict):
        raise StoreError("the store holds half a record")
    known = {name: value[name] for name in fields if name in value}
    is_whole = known.keys() | _LATER >= fields.keys()
    if not is_whole or not all(type(known[name]) in _TYPES[str(fields[name].type)] for name in known):
        raise StoreError("the store holds half a record")
    return kind(**known)


def _tokens(answer: TokenAnswer, salt: str, n: int, sent: Instant) -> Tokens:
    return Tokens(
        session_id=answer["session_id"],
        scope=answer["scope"],
        salt=salt,
        n=n,
        refresh_token=answer["refresh_token"],
        access_token=answer["access_token"],
        expires_in=answer["expires_in"],
        obtained_at=sent.wall,
        clock_zero=sent.zero,
        token_type=answer["token_type"],
    )


def _key(salt: str, n: int) -> str:
    return hashlib.sha256(f"{salt}.{n}".encode()).hexdigest()
