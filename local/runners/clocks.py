"""Moves the clocks of execution environments while they run, each by itself."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from local.host.files import replace_text
from local.templates.functions import FunctionSpec

# On the module path its sitecustomize.py makes Python add the offset of its process to `time`.
_MOVED = Path(__file__).parent / "moved_clock"


class FunctionClocks:
    """The clocks of execution environments, by process. folder: holds their offsets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[int, float] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def given_to(self, spec: FunctionSpec) -> FunctionSpec:
        """The function in environments whose clocks can be moved."""
        variables = {**spec.environment, "MOVED_CLOCKS": str(self._folder)}
        return replace(spec, layers=(*spec.layers, _MOVED), environment=variables)

    def move(self, pid: int, offset_s: float) -> None:
        """Sets how far the clock of an environment is ahead of this machine's."""
        replace_text(self._folder / str(pid), str(offset_s))
        self._offsets[pid] = offset_s

    def now(self, pid: int) -> float:
        """The time on the clock of an environment, epoch seconds."""
        return time.time() + self._offsets.get(pid, 0)
