"""Renews what was read over HTTP: one read at a time, and not more than one a second while reads fail."""

import threading
from collections.abc import Callable

from auth_tokens.domain.errors import Unavailable

RETRY_INTERVAL_S = 1


def in_a_thread(work: Callable[[], None]) -> None:
    """Runs work beside the caller."""
    threading.Thread(target=work, daemon=True).start()


class Renewal:
    """read: takes in what it reads, or raises Unavailable; beside: runs work in the background."""

    def __init__(
        self,
        read: Callable[[], None],
        monotonic: Callable[[], float],
        beside: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._beside = beside
        self._lock = threading.Lock()
        self._failed_at = float("-inf")
        self.failure = "not read yet"

    def now(self, is_due: Callable[[], bool]) -> bool:
        """Reads, unless somebody else has meanwhile so that it is no longer due. False: the read failed, now or less
        than a second ago."""
        with self._lock:
            if not is_due():
                return True
            if self._monotonic() - self._failed_at < RETRY_INTERVAL_S:
                return False
            try:
                self._read()
            except Unavailable as exc:
                self._failed_at = self._monotonic()
                self.failure = exc.detail
                return False
            return True

    def beside(self, is_due: Callable[[], bool]) -> None:
        """The same in the background, unless a read is under way."""
        if not self._lock.locked():
            self._beside(lambda: self._quietly(is_due))

    def _quietly(self, is_due: Callable[[], bool]) -> None:
        self.now(is_due)
