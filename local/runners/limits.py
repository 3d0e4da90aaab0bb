"""Lambda's own limits: sizes of payloads, and concurrency.

Sources: Lambda developer guide, "Lambda quotas" and "Understanding Lambda function scaling".
docs/reference/local-stack.md lists them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from local.runners import PayloadTooLarge, Throttled
from local.templates.functions import FunctionSpec

MAX_EVENT_BYTES = 6 * 1024 * 1024
# 100 bytes more than 6 MiB, as Lambda's message says.
MAX_RESULT_BYTES = 6_291_556
# The quota of an account in a Region, which AWS raises on request.
ACCOUNT_CONCURRENCY = 1000


def encoded_event(event: Any) -> bytes:
    """An event as it is sent to a function. Raises PayloadTooLarge."""
    text = json.dumps(event)
    # Lambda counts a character, not its JSON escape. The exact size is only needed where the escaped text is too long.
    if len(text) > MAX_EVENT_BYTES and _size(event) > MAX_EVENT_BYTES:
        message = f"Request must be smaller than {MAX_EVENT_BYTES} bytes for the InvokeFunction operation"
        raise PayloadTooLarge("RequestEntityTooLargeException", message)
    return text.encode()


def _size(event: Any) -> int:
    return len(json.dumps(event, ensure_ascii=False).encode(errors="surrogatepass"))


class Concurrency:
    """Counts executions. A function with reserved concurrency has its own limit, the others share one."""

    def __init__(self, specs: Mapping[str, FunctionSpec], account: int = ACCOUNT_CONCURRENCY) -> None:
        self._reserved = {name: spec.reserved for name, spec in specs.items() if spec.reserved is not None}
        self._shared = account - sum(self._reserved.values())
        self._running: dict[str, int] = {}
        self._lock = threading.Lock()

    def enter(self, function: str) -> None:
        """Counts one more execution of a function. Raises Throttled; otherwise leave() has to follow."""
        reserved = self._reserved.get(function)
        pool, limit = ("", self._shared) if reserved is None else (function, reserved)
        with self._lock:
            if self._running.get(pool, 0) >= limit:
                raise Throttled("TooManyRequestsException", "Rate Exceeded.")
            self._running[pool] = self._running.get(pool, 0) + 1

    def leave(self, function: str) -> None:
        with self._lock:
            self._running[function if function in self._reserved else ""] -= 1
