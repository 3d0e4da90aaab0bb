"""What the core asks of the world, one step at a time. It does no input or output of its own: a driver carries each
step out and sends the result back, so that tests can stand between any two."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from auth_user_tokens.clock import Instant
from auth_user_tokens.events import StepUp
from auth_user_tokens.wire import Request


@dataclass(frozen=True, slots=True)
class Load:
    """Read the store. Gives its text, None for an empty one. Raises StoreError."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Write `new` (None: delete) if the store holds `seen`, in one step. Gives whether it did. Raises StoreError."""

    seen: str | None = field(repr=False)
    new: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoadKey(Load):
    """The same of the store that keeps the key."""


@dataclass(frozen=True, slots=True)
class SwapKey(Swap):
    """The same of the store that keeps the key."""


@dataclass(frozen=True, slots=True)
class AskUser:
    """Have the user authenticate anew. Gives whether that was done."""

    step_up: StepUp


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send to the service. Gives a wire.Reply. Raises NoAnswer, or Late where `read_at` is more than `timeout_s` ago
    when the body would leave. is_needed: without an answer the caller cannot go on."""

    request: Request
    read_at: Instant
    timeout_s: float
    is_needed: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """Send the caller's own request with these header fields. Gives a wire.Reply, whose body may be empty."""

    headers: Mapping[str, str] = field(repr=False)


Step = Load | Swap | Wait | Send | Call | AskUser
T = TypeVar("T")
Steps = Generator[Step, Any, T]
