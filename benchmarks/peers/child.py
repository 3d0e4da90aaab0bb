"""A peer in a process of its own, which calls itself as often as it is asked to and says how long each call took."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.ways import Block, Way
from local.servers.database.address import DatabaseAddress
from tests.conformance.peers.start import STARTERS, PeerFailed, environment, running

LINES = "lines"


@dataclass(frozen=True, slots=True)
class Child:
    """A peer that waits for lines. versions: of its packages."""

    process: subprocess.Popen[bytes]
    versions: dict[str, str]

    def way(self, operation: str) -> Way:
        """issue, refresh or validate."""
        return lambda count: self._block(operation, count)

    def _block(self, operation: str, count: int) -> Block:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"operation": operation, "count": count}).encode() + b"\n")
        self.process.stdin.flush()
        answer = _answer(self.process)
        return Block(tuple(answer["ms"]), answer["cpu_ms"])


@contextlib.contextmanager
def child(name: str, at: DatabaseAddress) -> Iterator[Child]:
    """The peer on an empty schema, until the end. Raises PeerFailed."""
    pipe = subprocess.PIPE
    with running(STARTERS[name].command(LINES), environment(at), stdin=pipe, stdout=pipe) as process:
        yield Child(process, _answer(process))


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise PeerFailed
    answer: dict[str, Any] = json.loads(line)
    return answer
