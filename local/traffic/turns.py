"""Many clients act side by side, each after its own pause."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from local.traffic.population import Steps

WORKERS = 6
TICK_S = 0.05


class Turns:
    """Clients in the order of their next turns."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Steps]] = []
        # Equal instants are told apart, because generators have no order.
        self._numbers = itertools.count()
        self._acting: dict[Future[float | None], Steps] = {}

    def add(self, steps: Steps, in_s: float = 0.0) -> None:
        """A client whose first turn is in some seconds."""
        heapq.heappush(self._waiting, (time.monotonic() + in_s, next(self._numbers), steps))

    def run(self, is_over: Callable[[], bool], tick: Callable[[], None]) -> None:
        """Returns when it is over, or no client has a turn left. Raises what a client raised."""
        with ThreadPoolExecutor(WORKERS) as pool:
            while (self._waiting or self._acting) and not is_over():
                self._start(pool)
                self._settle()
                tick()

    def _start(self, pool: ThreadPoolExecutor) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now and len(self._acting) < WORKERS:
            *_, steps = heapq.heappop(self._waiting)
            self._acting[pool.submit(next, steps, None)] = steps

    def _settle(self) -> None:
        """Waits for a client to end its turn, for a moment at most."""
        if not self._acting:
            time.sleep(TICK_S)
            return
        ended, _ = wait(self._acting, TICK_S, FIRST_COMPLETED)
        for future in ended:
            steps, pause_s = self._acting.pop(future), future.result()
            if pause_s is not None:
                self.add(steps, pause_s)
