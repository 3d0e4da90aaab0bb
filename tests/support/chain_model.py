"""A model of a token chain: it knows generations and instants, no cryptography, and breaks the service on the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings

from auth_tokens.domain.errors import Unavailable
from auth_tokens.usecases.issue_deps import IssueDeps

WINDOW_S = 10
# Every run of a model is the same, so that a red one can be run again.
ALWAYS_THE_SAME = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@dataclass
class Chain:
    """Every token ever handed out by generation, and when the last rotation was. restarted: the current token does
    not follow from the one before."""

    id: str
    idle_ends_at: int
    absolute_ends_at: int
    tokens: list[str] = field(default_factory=list)
    rotated_at: int | None = None
    retry_key: str | None = None
    is_revoked: bool = False
    is_restarted: bool = False

    def is_live(self, now: int) -> bool:
        return not self.is_revoked and now < min(self.idle_ends_at, self.absolute_ends_at)

    def verdict(self, generation: int, key: str | None, now: int) -> str:
        """What a token of the chain deserves: rotate, repeat, reuse; superseded or dead: nothing, and nothing ends."""
        current = len(self.tokens) - 1
        if not self.is_live(now):
            return "dead"
        if generation == current:
            return "rotate"
        in_window = self.rotated_at is not None and now - self.rotated_at < WINDOW_S
        same_key = key is not None and key == self.retry_key
        if generation < current - 1 or not (in_window or same_key):
            return "reuse"
        return "superseded" if self.is_restarted else "repeat"

    def rotated(self, successor: str, key: str | None, now: int, idle_s: int) -> None:
        self.tokens.append(successor)
        self.rotated_at, self.retry_key, self.is_restarted = now, key, False
        self.idle_ends_at = min(now + idle_s, self.absolute_ends_at)


@contextmanager
def crashing(deps: IssueDeps, write: str, point: str) -> Iterator[None]:
    """The service breaks once: at this write of the store, before it or after its commit, or at signing."""
    with pytest.MonkeyPatch.context() as broken:
        if point == "signing":
            broken.setattr(type(deps.signer), "sign", _unavailable)
        else:
            store = type(deps.store)
            broken.setattr(store, write, _breaking(getattr(store, write), point))
        with pytest.raises(Unavailable):
            yield


def _unavailable(*_: object) -> str:
    raise Unavailable("kms")


def _breaking(write: Callable[..., object], point: str) -> Callable[..., object]:
    def broken(*arguments: object) -> object:
        if point == "after the commit":
            write(*arguments)
        raise Unavailable("lost connection")

    return broken
