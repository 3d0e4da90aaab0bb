"""Moves the clock of a database server while it runs, by libfaketime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local.host.files import replace_text
from local.host.paths import STATE

# The folders in which the package libfaketime installs the library: on the machine, or where setup unpacked it.
_PLACES = (Path("/usr/lib"), STATE / "faketime" / "usr" / "lib")
# libfaketime keeps here what the threads of a process share. The names of the files end with the process id.
_SHARED = Path("/dev/shm")


class DatabaseClock:
    """The clock of a server that was started with `environment`. file: holds its offset."""

    def __init__(self, library: Path, file: Path) -> None:
        self._library = library
        self._file = file

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables for the server. Its waits use the monotonic clock, which is not moved."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # MySQL does not start with that
            "NO_FAKE_STAT": "1",
        }

    def move(self, offset_s: float) -> None:
        """Sets how far the server's clock is ahead of this machine's. Every thread notices within a second."""
        replace_text(self._file, f"{offset_s:+.3f}\n")


def tidy(folder: Path = _SHARED) -> None:
    """Removes the files that libfaketime leaves of killed processes. They would stop a new process with that id."""
    for left in folder.glob("*faketime_s*_*"):
        pid = left.name.rpartition("_")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            left.unlink(missing_ok=True)


def database_clock(file: Path) -> DatabaseClock | None:
    """A clock, not moved yet. None without libfaketime; `scripts/setup-programs clock` installs it."""
    found = (path for place in _PLACES for path in sorted(place.glob("**/faketime/libfaketimeMT.so.1")))
    library = next(found, None)
    if library is None:
        return None
    clock = DatabaseClock(library, file)
    clock.move(0)
    return clock
