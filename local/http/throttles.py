"""Throttles requests: a bucket of tokens for each route.

Sources: API Gateway developer guide, "Throttling requests to your HTTP API" and "Throttle requests to your REST APIs".
The account's own throttle, 10,000 requests a second over all APIs, is not counted here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from local.templates.model import Api, Route, Throttle


class ThrottleGate:
    """The buckets of one API, which are full at first. clock: epoch seconds."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._throttles = api.throttles
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def admits(self, route: Route) -> bool:
        """Whether a route accepts one more request now. If so, the request is counted."""
        throttle = self._throttles.get(route.key) or self._throttles.get("")
        if throttle is None:
            return True
        with self._lock:
            now = self._clock()
            bucket = self._buckets.setdefault(route.key, _Bucket(throttle, throttle.burst, now))
            return bucket.take(now)


@dataclass(slots=True)
class _Bucket:
    throttle: Throttle
    tokens: float
    seen_at: float

    def take(self, now: float) -> bool:
        gained = max(0.0, now - self.seen_at) * self.throttle.rate_per_s
        self.tokens = min(float(self.throttle.burst), self.tokens + gained)
        self.seen_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
