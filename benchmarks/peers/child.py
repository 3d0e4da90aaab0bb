"""A peer in a process of its own, which calls itself as often as it is asked to and says how long each call took."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.ways import Block, Way
from local.host.processes import die_with_parent, stop
from local.servers.database.address import DatabaseAddress
from tests.conformance.peers.start import STARTERS, PeerFailed, environment

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
    """The peer on an empty schema, until the end. Raises PeerFailed with the end of its log."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            STARTERS[name].command(LINES),
            env=environment(at),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=die_with_parent(),
            start_new_session=True,
        )
        try:
            yield Child(process, _answer(process))
        except EOFError:
            log.seek(0)
            raise PeerFailed(f"{name}: {log.read().decode(errors='replace')[-2000:]}") from None
        finally:
            # Node from a wheel is a wrapper with the real one as its child: both go.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            stop(process, grace_s=5)


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise EOFError
    answer: dict[str, Any] = json.loads(line)
    return answer
