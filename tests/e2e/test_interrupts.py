"""Ctrl-C on a terminal at any step of `make run`, `make demo` and `make traffic`: it ends soon, and leaves nothing."""

from pathlib import Path

import pytest

from local.__main__ import INTERRUPTED
from local.client import Client
from local.host.ports import free_port
from tests.support.runs import Run
from tests.support.terminal import Ended, interrupted

STEPS = (
    "loading",
    "settings:",
    "templates:",
    "once making",
    "AWS:",
    "waiting",
    "functions:",
    "migrations:",
    "users:",
)
# It takes 1 s on a machine of its own; what goes on to its end, or hangs, goes on for minutes.
SOON_S = 60
LINUX = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes as Linux has them"
)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all interrupted starts: each finds what the one before has left."""
    return tmp_path_factory.mktemp("interrupted")


def variables(state: Path) -> dict[str, str]:
    return {
        "LOCAL_STATE_DIR": str(state),
        "PORT": str(free_port()),
        "TOKENS_DB_URL": "",
        "SET": "AccessTtlS=61",
    }


def processes_of(state: Path) -> list[str]:
    """The commands of all processes that a run has started, and its own."""
    wanted = f"LOCAL_STATE_DIR={state}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found


def ended_well(ended: Ended) -> None:
    assert ended.code == INTERRUPTED, ended.told
    assert "Traceback" not in ended.told
    assert ended.took_s < SOON_S


@LINUX
@pytest.mark.parametrize("step", STEPS)
def test_an_interrupted_start_ends_soon_says_so_and_leaves_no_process(
    state: Path, tmp_path: Path, step: str
) -> None:
    # The database's folder is made once: a start before may have come that far.
    state = tmp_path if step == "once making" else state

    ended = interrupted(["local"], step, variables(state))

    ended_well(ended)
    assert ended.told.endswith("make run: interrupted\r\n")
    assert "ready " not in ended.told
    assert processes_of(state) == []


@LINUX
def test_after_interrupted_starts_the_next_one_serves_and_ends_as_usual(state: Path) -> None:
    ended = interrupted(["local"], "ready ", variables(state), times=3)

    assert ended.code == 0, ended.told
    assert "Traceback" not in ended.told
    assert ended.took_s < SOON_S
    assert processes_of(state) == []
    assert not (state / "running.json").exists()


@LINUX
@pytest.mark.parametrize("step", ["Starting", " 1. ", " 8. "])
def test_an_interrupted_demo_ends_soon_and_leaves_no_process(tmp_path: Path, step: str) -> None:
    ended = interrupted(["local", "demo"], step, variables(tmp_path))

    ended_well(ended)
    assert ended.told.endswith("make demo: interrupted\r\n")
    assert processes_of(tmp_path) == []


@LINUX
@pytest.mark.parametrize("columns", [40, 100])
def test_interrupted_traffic_prints_what_there_is_so_far(running: Run, columns: int) -> None:
    given = {"LOCAL_STATE_DIR": str(running.state), "PORT": "", "TOKENS_DB_URL": "", "NO_COLOR": "1"}

    ended = interrupted(["local", "traffic", "--users", "2"], "traffic ", given, columns=columns)

    ended_well(ended)
    assert "planted attacks were found." in " ".join(ended.told.split())
    assert ended.told.endswith("make traffic: interrupted\r\n")
    assert Client(running.address).get("/_local/running").status == 200
