"""The clock of a database server: its library is found, its offset written, its left-overs removed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.servers.database.clock import database_clock, tidy


def test_without_the_library_the_database_has_no_clock_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.servers.database.clock._PLACES", (tmp_path,))
    assert database_clock(tmp_path / "clock") is None

    library = tmp_path / "x86_64-linux-gnu" / "faketime" / "libfaketimeMT.so.1"
    library.parent.mkdir(parents=True)
    library.touch()
    found = database_clock(tmp_path / "clock")

    assert found is not None
    assert found.environment["LD_PRELOAD"] == str(library)
    assert (tmp_path / "clock").read_text() == "+0.000\n"
    found.move(-2.5)
    assert (tmp_path / "clock").read_text() == "-2.500\n"


def test_what_is_left_of_dead_processes_is_removed_and_nothing_else(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    kept = [tmp_path / f"faketime_shm_{os.getpid()}", tmp_path / "another_1", tmp_path / "faketime_shm_x"]
    left = [tmp_path / f"faketime_shm_{gone.pid}", tmp_path / f"sem.faketime_sem_{gone.pid}"]
    for file in (*kept, *left):
        file.touch()

    tidy(tmp_path)

    assert sorted(tmp_path.iterdir()) == sorted(kept)
