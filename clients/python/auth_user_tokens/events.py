"""What happens to a session, for whoever called `Session.on`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SignedIn:
    session_id: str


@dataclass(frozen=True, slots=True)
class SignedOutEvent:
    """reason: `here` by this object; `elsewhere`: another process did, or the store was cleared; `session_over`: the
    service refused the stored token."""

    reason: Literal["here", "elsewhere", "session_over"]


@dataclass(frozen=True, slots=True)
class Refreshed:
    session_id: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """since, retry_at: epoch seconds of the first of these failures, and before which nothing is sent."""

    since: float
    retry_at: float


@dataclass(frozen=True, slots=True)
class StepUp:
    """An API wants a stronger or fresher sign-in (RFC 9470). challenge: the parameters, such as `acr_values`."""

    challenge: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The store could not be written. The session goes on from memory until the access token ends."""

    error: Exception


Event = SignedIn | SignedOutEvent | Refreshed | Unreachable | StepUp | StoreFailed
Callback = Callable[[Event], None]
