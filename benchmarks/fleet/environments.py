"""Many environments of authorizers in one process: their memories of revocations, read in turn when they are due."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from auth_tokens.adapters.revocation_log import LogAnswer, LogSource, RevocationLog


@dataclass
class Sample:
    """Of some environments. cpu_ms, stall_ms: of each look, processor time and whole duration; seen, delay_s, most_s:
    revocations over all environments, the sum of their delays and the longest; missed: those that an environment never
    saw; late_s: how late a look was at most, as the process had others to do."""

    cpu_ms: list[float] = field(default_factory=list)
    stall_ms: list[float] = field(default_factory=list)
    seen: int = 0
    delay_s: float = 0
    most_s: float = 0
    missed: int = 0
    late_s: float = 0

    def __add__(self, other: Sample) -> Sample:
        return Sample(
            self.cpu_ms + other.cpu_ms,
            self.stall_ms + other.stall_ms,
            self.seen + other.seen,
            self.delay_s + other.delay_s,
            max(self.most_s, other.most_s),
            self.missed + other.missed,
            max(self.late_s, other.late_s),
        )


class Stamps:
    """Halves of ids that say when they were made, each later than the one before, for all processes of a machine."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> bytes:
        self._last = max(self._last + 1, time.monotonic_ns())
        return self._last.to_bytes(8, "big")


def _stamp_of(half: bytes) -> int:
    return int.from_bytes(half, "big")


class Watched:
    """Port adapters.revocation_log.LogSource: notes how old each revocation is when it is first read. One writer
    writes them in the order of their stamps, so what is later than all before is new."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self._latest = 0
        self.sample = Sample()

    def read(self, start: int, end: int, missing: Sequence[int]) -> LogAnswer:
        answer = self._source.read(start, end, missing)
        now_ns, before, sample = time.monotonic_ns(), self._latest, self.sample
        halves = (group.ids[at : at + 8] for group in answer.groups for at in range(0, len(group.ids), 8))
        for stamp in map(_stamp_of, halves):
            if stamp > before:
                delay_s = (now_ns - stamp) / 1e9
                sample.seen += 1
                sample.delay_s += delay_s
                sample.most_s = max(sample.most_s, delay_s)
                self._latest = max(self._latest, stamp)
        return answer

    def width(self) -> int:
        return self._source.width()

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        return self._source.any_revoked(ids)


class Fleet:
    """interval_s: from one look of an environment to its next."""

    def __init__(self, sources: Iterable[LogSource], interval_s: float) -> None:
        self._watched = [Watched(source) for source in sources]
        self._logs = [RevocationLog(watched) for watched in self._watched]
        self._interval_s = interval_s
        self._sample = Sample()

    def start(self) -> None:
        """The first look of each, which is not measured."""
        for log, watched in zip(self._logs, self._watched, strict=True):
            log.read(int(time.time()))
            watched.sample = Sample()

    def run(self, seconds: float) -> None:
        """Each at moments of its own."""
        began = time.monotonic()
        due = [(began + random.uniform(0, self._interval_s), place) for place in range(len(self._logs))]
        heapq.heapify(due)
        while due and due[0][0] < began + seconds:
            at, place = heapq.heappop(due)
            time.sleep(max(0.0, at - time.monotonic()))
            self._sample.late_s = max(self._sample.late_s, time.monotonic() - at)
            self._look(self._logs[place])
            heapq.heappush(due, (at + self._interval_s, place))

    def finish(self, written: int) -> Sample:
        """A last look of each, whose delays do not count. written: revocations since `start`."""
        total = self._sample
        for log, watched in zip(self._logs, self._watched, strict=True):
            in_time, watched.sample = watched.sample, Sample()
            log.read(int(time.time()))
            in_time.missed = written - in_time.seen - watched.sample.seen
            total += in_time
        return total

    def _look(self, log: RevocationLog) -> None:
        cpu_s, started = time.thread_time(), time.monotonic()
        log.read(int(time.time()))
        _ = b"never revoked id" in log  # puts in order what is new, as the next validation would
        self._sample.cpu_ms.append((time.thread_time() - cpu_s) * 1000)
        self._sample.stall_ms.append((time.monotonic() - started) * 1000)
