"""Where a session is kept. A store holds one text and gives it back unchanged; it does not read it."""

from __future__ import annotations

import threading
from typing import Protocol


class Store(Protocol):
    """Of your own: anything with these two. Whatever they raise is a StoreError to the caller and signs nobody out."""

    def get(self) -> str | None:
        """The text, None where there is none. What cannot be read is an error, never None."""
        ...

    def swap(self, seen: str | None, new: str | None) -> bool:
        """Writes `new` (None: deletes) if the text is still `seen` (None: there is none), in one step for all
        processes that share the store. Returns whether it did."""
        ...


class MemoryStore:
    """For one process; gone with it."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._lock = threading.Lock()

    def get(self) -> str | None:
        return self._text

    def swap(self, seen: str | None, new: str | None) -> bool:
        with self._lock:
            is_same = self._text == seen
            if is_same:
                self._text = new
            return is_same
