"""Caches the results of authorizers by credential, for as long as the API's owner chose."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

Result = TypeVar("Result")
Key = tuple[str, ...]

# Bounds the memory of a load test in which every token is new.
_MAX_ENTRIES = 10_000


class ResultCache(Generic[Result]):
    """Results by authorizer and values of its identity sources. Times are epoch seconds, which callers pass in."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, tuple[float, Result]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, now: float) -> Result | None:
        """The cached result; None without one, or from its expiry on."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            expires_at, result = entry
            if now >= expires_at:
                del self._entries[key]
                return None
            return result

    def put(self, key: Key, result: Result, expires_at: float) -> None:
        with self._lock:
            self._entries[key] = (expires_at, result)
            self._entries.move_to_end(key)
            while len(self._entries) > _MAX_ENTRIES:
                self._entries.popitem(last=False)
