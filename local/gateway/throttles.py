"""The throttles of a stage and its routes: what the template sets, and a bucket of tokens for each route.

API Gateway developer guide, "Throttling requests to your HTTP API" and "Throttle requests to your REST APIs".
The account's own throttle, 10,000 requests a second over all APIs, is not counted here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.gateway.intrinsics import TemplateError
from local.gateway.model import Api, Route, Throttle

_ACCOUNT = Throttle(rate_per_s=10_000, burst=5_000)
_RATE, _BURST = "ThrottlingRateLimit", "ThrottlingBurstLimit"


class ThrottleGate:
    """The buckets of one mounted API; full at first. clock: epoch seconds."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._throttles = api.throttles
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def admits(self, route: Route) -> bool:
        """Whether a route takes one more request now; if so, the request counts."""
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


def throttles_of(stage: Mapping[str, Any]) -> dict[str, Throttle]:
    """The throttles in a stage's properties, its intrinsics resolved: by route key, "" for all others.

    Raises TemplateError for what local mode does not count.
    """
    settings = [("", stage.get("DefaultRouteSettings", {})), *stage.get("RouteSettings", {}).items()]
    settings += _method_settings(stage.get("MethodSettings", ()))
    return {key: _throttle(values) for key, values in settings if _RATE in values or _BURST in values}


def _method_settings(listed: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Of a REST API; a path is written with ~1 for each slash, or as it is."""
    for values in listed:
        method, path = values.get("HttpMethod"), str(values.get("ResourcePath"))
        if (method, path) == ("*", "/*"):
            yield "", values
        elif method == "*" or path == "/*":
            raise TemplateError(f"MethodSettings of {method} {path} are not served locally")
        else:
            yield f"{method} /{path.replace('~1', '/').lstrip('/')}", values


def _throttle(values: Mapping[str, Any]) -> Throttle:
    rate, burst = values.get(_RATE, _ACCOUNT.rate_per_s), values.get(_BURST, _ACCOUNT.burst)
    return Throttle(float(rate), int(burst))
