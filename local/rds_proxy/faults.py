"""How the proxy fails, when it is told to. Safe for many threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass


class Switch:
    """A fault that lasts for a while."""

    def __init__(self) -> None:
        self._is_off = threading.Event()
        self._is_off.set()

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        self._is_off.clear()
        try:
            yield
        finally:
            self._is_off.set()

    def off(self) -> None:
        self._is_off.set()

    def outlasted(self) -> bool:
        """Whether it was on; returns when it no longer is."""
        was_on = not self._is_off.is_set()
        self._is_off.wait()
        return was_on


@dataclass(frozen=True, slots=True)
class Cut:
    """The answer to a statement that contains `of` breaks off after so many bytes; the server has carried it out."""

    after_bytes: int
    of: bytes


class Faults:
    """hanging: whoever connects hears nothing; swallowing: nor does a client that sends a command, which goes
    nowhere. Both end with their clients dropped."""

    def __init__(self) -> None:
        self.hanging, self.swallowing = Switch(), Switch()
        self._lock = threading.Lock()
        self._cuts: list[Cut] = []

    def cut(self, cut: Cut, times: int) -> None:
        with self._lock:
            self._cuts += [cut] * times

    def cut_of(self, statement: bytes) -> Cut | None:
        """The cut that is due for the answer to a statement; it is spent."""
        with self._lock:
            found = next((cut for cut in self._cuts if cut.of in statement), None)
            if found:
                self._cuts.remove(found)
            return found

    @property
    def pending_cuts(self) -> int:
        with self._lock:
            return len(self._cuts)

    def end(self) -> None:
        self.hanging.off()
        self.swallowing.off()
        with self._lock:
            self._cuts.clear()
