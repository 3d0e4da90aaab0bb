"""A session with time and service in the test's hand."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from auth_user_tokens import Event, MemoryStore, Session, Store
from auth_user_tokens.clock import Instant
from auth_user_tokens.errors import NoAnswer
from auth_user_tokens.steps import Send
from auth_user_tokens.wire import Reply

ISSUER = "https://tokens.test"
API = "https://api.test"
JSON = {"content-type": "application/json"}


@dataclass
class HandClock:
    wall: float = 1_800_000_000.0
    steady: float = 1000.0

    def now(self) -> Instant:
        return Instant(self.wall, self.steady)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def answer(n: int, **members: Any) -> dict[str, Any]:
    return {
        "access_token": f"access-{n}",
        "token_type": "Bearer",
        "expires_in": 600,
        "refresh_token": f"refresh-{n}",
        "refresh_expires_in": 1_209_600,
        "scope": "portal:read",
        "session_id": "session",
        "device_id": "device",
        **members,
    }


def reply(status: int, body: Any = None, **headers: str) -> Reply:
    """headers: `retry_after` for `retry-after`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {**JSON, **named}, content)


@dataclass
class Lab:
    """answers: what the service does next, one a request; without any it rotates. sent: the requests."""

    store: Store = field(default_factory=MemoryStore)
    clock: HandClock = field(default_factory=HandClock)
    answers: list[Any] = field(default_factory=list)
    sent: list[Send] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    generation: int = 0

    def session(self, **options: Any) -> Session:
        usual = {"http": self.send, "clock": self.clock, "jitter": 0.0, "apis": [API]}
        made = Session(ISSUER, self.store, **{**usual, **options})
        made._driver._sleep, made._driver._asleep = self.sleep, self.asleep
        made.on(self.events.append)
        return made

    def signed_in(self, **options: Any) -> Session:
        made = self.session(**options)
        made.adopt(answer(0))
        self.events.clear()
        return made

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.passes(seconds)

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def send(self, send: Send) -> Reply:
        self.sent.append(send)
        if not self.answers:
            self.generation += 1
            return reply(200, answer(self.generation))
        next_one = self.answers.pop(0)
        if isinstance(next_one, Callable):  # type: ignore[arg-type]
            next_one = next_one()
        if isinstance(next_one, Exception):
            raise next_one
        assert isinstance(next_one, Reply)
        return next_one

    def form(self, number: int) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.sent[number].request.body.decode()).items()}

    def key(self, number: int) -> str:
        return self.sent[number].request.headers["Idempotency-Key"]

    def told(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


NONE = NoAnswer()
OVER = reply(400, {"error": "invalid_grant"})
