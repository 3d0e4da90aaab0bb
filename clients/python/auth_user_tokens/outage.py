"""Who asks the service when: one thread at a time, and nobody sooner than it said."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from auth_user_tokens import rules
from auth_user_tokens.clock import Clock
from auth_user_tokens.errors import AuthError
from auth_user_tokens.events import Callback, Unreachable
from auth_user_tokens.steps import Steps, Wait
from auth_user_tokens.wire import Again


@dataclass(slots=True)
class Outage:
    """Failures of the service in a row. All threads share it: until `_retry_at_s` none of them asks."""

    clock: Clock
    emit: Callback
    chance: random.Random
    _failures: int = 0
    _since: float = 0.0
    _retry_at_s: float = 0.0
    _last: Again = field(default_factory=Again)

    def wait_s(self) -> float:
        """How long nobody asks."""
        return max(0.0, self._retry_at_s - self.clock.now().steady) if self._failures else 0.0

    def sending(self) -> None:
        """The next one keeps its distance also from this try, which may stay without an answer."""
        if self._failures:
            self._retry_at_s = self.clock.now().steady + (self._last.retry_after_s or 0.0)

    def failed(self, again: Again) -> None:
        now = self.clock.now()
        self._since = self._since if self._failures else now.wall
        self._failures += 1
        self._last = again
        pause_s = rules.backoff_s(self._failures, again.retry_after_s, self.chance)
        self._retry_at_s = now.steady + pause_s
        self.emit(Unreachable(self._since, now.wall + pause_s))

    def over(self) -> None:
        self._failures = 0

    def pause(self, until_s: float) -> Steps[None]:
        """Until somebody may ask. until_s: how long the caller waits, by the steady clock. Raises AuthError at once
        where that is sooner."""
        while (wait_s := self.wait_s()) > 0:
            if self.clock.now().steady + wait_s > until_s:
                raise self.error()
            yield Wait(wait_s)

    def error(self) -> AuthError:
        """The last failure, for a caller who waits no longer."""
        return AuthError(self._last.code, "no token yet", self._last.status, self.wait_s())


@dataclass(slots=True, eq=False)
class _Turn:
    began_s: float


class Turns:
    """One thread refreshes, and the others wait for it, but not for long: a second refresh does no harm. A turn that
    was never given back (its process was forked, its caller went away) is taken over. Nothing here can hang."""

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self._clock, self._timeout_s = clock, timeout_s
        self._held: dict[str, _Turn] = {}

    def begin(self) -> _Turn:
        return _Turn(self._clock.now().steady)

    def take(self, turn: _Turn) -> bool:
        holder = self._held.setdefault("now", turn)  # one step, so that no two threads have it
        if holder is not turn and self._clock.now().steady - holder.began_s > self._timeout_s:
            holder = self._held["now"] = turn
        return holder is turn

    def wait(self, turn: _Turn) -> Steps[None]:
        """Until it is this one's turn, or its patience ends."""
        waited_s = 0.0
        while not self.take(turn) and waited_s < rules.PATIENCE_S:
            yield Wait(rules.POLL_S)
            waited_s += rules.POLL_S
        turn.began_s = self._clock.now().steady

    def give_back(self, turn: _Turn) -> None:
        if self._held.get("now") is turn:
            self._held.pop("now", None)
