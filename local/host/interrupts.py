"""Ctrl-C while several threads import and start: noted, and looked at between two steps."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """SIGINT and SIGTERM. An exception that came at once could be lost in a callback, or leave a lock of an import held
    for ever."""

    def __init__(self) -> None:
        self._noted = threading.Event()

    @property
    def are_noted(self) -> bool:
        return self._noted.is_set()

    def look(self) -> None:
        """Between two steps. Raises KeyboardInterrupt after a signal."""
        if self.are_noted:
            raise KeyboardInterrupt

    def wait(self) -> None:
        """Returns at a signal."""
        self._noted.wait()

    def note(self, *_: object) -> None:
        """The handler of the signals."""
        self._noted.set()


@contextlib.contextmanager
def noted_interrupts() -> Iterator[Interrupts]:
    """Within it the signals are noted. In the main thread alone."""
    interrupts = Interrupts()
    before = {number: signal.signal(number, interrupts.note) for number in _NUMBERS}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
