"""Clocks that are moved while programs run: of each execution environment by itself, and of the database server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from local.environment import ROOT, FunctionSpec

# Its sitecustomize.py makes a Python ask for its offset.
_MOVED = Path(__file__).parent / "moved_clock"
# Where the package libfaketime puts the library: on the machine, or unpacked by scripts/setup-programs.
_PLACES = (Path("/usr/lib"), ROOT / ".local" / "faketime" / "usr" / "lib")

# Where libfaketime keeps what the threads of a process share, by its number.
_SHARED = Path("/dev/shm")


class FunctionClocks:
    """The clocks of execution environments, by process. folder: for their offsets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[int, float] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def given_to(self, spec: FunctionSpec) -> FunctionSpec:
        """The function so that its environments' clocks can be moved."""
        variables = {**spec.environment, "MOVED_CLOCKS": str(self._folder)}
        return replace(spec, layers=(*spec.layers, _MOVED), environment=variables)

    def move(self, pid: int, offset_s: float) -> None:
        """From now on an environment's clock is this far ahead of ours."""
        _write(self._folder / str(pid), str(offset_s))
        self._offsets[pid] = offset_s

    def now(self, pid: int) -> float:
        """What an environment's clock tells, epoch seconds."""
        return time.time() + self._offsets.get(pid, 0)


class DatabaseClock:
    """The clock of a database server that was started with `environment`. file: for its offset."""

    def __init__(self, library: Path, file: Path) -> None:
        self._library = library
        self._file = file

    @property
    def environment(self) -> Mapping[str, str]:
        """For the server. Its waits go by the monotonic clock, which stays; a second after `move` all know."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # MySQL does not start with that
            "NO_FAKE_STAT": "1",
        }

    def move(self, offset_s: float) -> None:
        """From now on the server's clock is this far ahead of ours."""
        _write(self._file, f"{offset_s:+.3f}\n")


def tidy(folder: Path = _SHARED) -> None:
    """Removes what libfaketime leaves of killed processes: the next one by the same number would not start."""
    for left in folder.glob("*faketime_s*_*"):
        pid = left.name.rpartition("_")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            left.unlink(missing_ok=True)


def database_clock(file: Path) -> DatabaseClock | None:
    """None where libfaketime is not to be had; `scripts/setup-programs clock` brings it."""
    found = (path for place in _PLACES for path in sorted(place.glob("**/faketime/libfaketimeMT.so.1")))
    library = next(found, None)
    if library is None:
        return None
    clock = DatabaseClock(library, file)
    clock.move(0)
    return clock


def _write(file: Path, text: str) -> None:
    """At once: a reader finds the old text or the new."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(text)
    fresh.replace(file)
