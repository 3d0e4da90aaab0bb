"""The faults of the proxy, which tests switch on. Safe for many threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass


class Switch:
    """A fault that lasts until it is switched off."""

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
        """Waits until the fault is off. Returns whether it was on."""
        was_on = not self._is_off.is_set()
        self._is_off.wait()
        return was_on


@dataclass(frozen=True, slots=True)
class Cut:
    """Breaks off the answer to a statement that contains `of`. The server has run the statement."""

    after_bytes: int
    of: bytes


class Faults:
    """hanging: new connections get no greeting. swallowing: commands get no answer and do not reach the server.

    When either is switched off, the clients that met it are dropped.
    """

    def __init__(self) -> None:
        self.hanging, self.swallowing = Switch(), Switch()
        self._lock = threading.Lock()
        self._cuts: list[Cut] = []

    def cut(self, cut: Cut, times: int) -> None:
        with self._lock:
            self._cuts += [cut] * times

    def cut_of(self, statement: bytes) -> Cut | None:
        """Takes the cut for the answer to a statement; None if there is none. Each cut is used once."""
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
