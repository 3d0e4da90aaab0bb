"""The clocks of execution environments are moved while they run, each by itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.runners.clocks import FunctionClocks
from local.templates.functions import FunctionSpec

ASKING = """
import sys, time
for line in sys.stdin:
    print(time.time(), time.time_ns() / 1e9, time.monotonic(), flush=True)
"""


class Asked:
    """A Python of its own, that is asked what time it is."""

    def __init__(self, spec: FunctionSpec) -> None:
        path = os.pathsep.join(map(str, spec.layers))
        self.process = subprocess.Popen(
            [sys.executable, "-c", ASKING],
            env={**os.environ, **spec.environment, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ahead_s(self) -> tuple[float, float, float]:
        """How far ahead of ours its clocks are: time, time_ns, monotonic."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(b"?\n")
        self.process.stdin.flush()
        told = [float(text) for text in self.process.stdout.readline().split()]
        return told[0] - time.time(), told[1] - time.time(), told[2] - time.monotonic()

    def end(self) -> None:
        self.process.communicate()


def test_each_environment_has_a_clock_that_is_moved_by_itself(tmp_path: Path) -> None:
    clocks = FunctionClocks(tmp_path / "clocks")
    spec = clocks.given_to(FunctionSpec("F", tmp_path, "app.handler", 3, 128, {}, ()))
    moved, other = Asked(spec), Asked(spec)
    try:
        assert moved.ahead_s() == pytest.approx((0, 0, 0), abs=1)
        clocks.move(moved.process.pid, 7200)
        assert moved.ahead_s() == pytest.approx((7200, 7200, 0), abs=1)
        clocks.move(moved.process.pid, -7200)
        assert moved.ahead_s() == pytest.approx((-7200, -7200, 0), abs=1)
        assert clocks.now(moved.process.pid) == pytest.approx(time.time() - 7200, abs=1)
        assert other.ahead_s() == pytest.approx((0, 0, 0), abs=1)
    finally:
        moved.end()
        other.end()
