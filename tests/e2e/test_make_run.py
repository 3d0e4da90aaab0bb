"""`make run` as a process of its own: an interrupt ends it, whatever is open."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from local.client import Client
from local.host.ports import free_port
from local.running import find_service
from local.seed import PASSWORD, USERS
from local.servers.database.address import DatabaseAddress
from local.stack import JOBS_SOCKET
from tests.conftest import schema
from tests.docs.markdown import ROOT

# Longer than an end takes that waits for nobody, and shorter than the gateway's own time-outs.
WAIT_S = 20
START_S = 60
PYTHONPATH = os.pathsep.join(str(ROOT / folder) for folder in (".", "layers/shared"))
PAGE_ORIGIN = "http://localhost:5173"


@pytest.fixture
def run(tmp_path: Path, database: DatabaseAddress) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    """The process, once it says that it is ready, and its address."""
    with schema(database) as at:
        environment = {
            **os.environ,
            "PORT": str(free_port()),
            "ORIGINS": PAGE_ORIGIN,
            "LOCAL_STATE_DIR": str(tmp_path),
            "TOKENS_DB_URL": f"mysql://{at.user}:{at.password}@{at.host}:{at.port}/{at.name}",
            "PYTHONPATH": PYTHONPATH,
        }
        told = tmp_path / "stderr"
        with (
            told.open("w") as stderr,
            subprocess.Popen(
                [sys.executable, "-m", "local"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            ) as process,
        ):
            # A start that hangs ends, and so does the wait for its first line.
            giving_up = threading.Timer(START_S, process.kill)
            giving_up.start()
            try:
                assert process.stdout is not None
                first = process.stdout.readline()
                giving_up.cancel()
                assert first.startswith("ready "), told.read_text("utf-8")
                yield process, first.removeprefix("ready ").strip()
            finally:
                giving_up.cancel()
                process.kill()


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="asks the kernel, as Linux lets it, for children"
)
def test_an_interrupt_ends_the_run_with_sockets_open(run: "tuple[subprocess.Popen[str], str]") -> None:
    process, address = run
    login = {"username": USERS[1].username, "password": PASSWORD}
    access = Client(address).post("/auth/login", login).json["access_token"]
    url = f"{address.replace('http', 'ws', 1)}{JOBS_SOCKET}?access_token={access}"

    with connect(url) as first, connect(url) as second:
        first.send("anything")
        assert first.recv(timeout=WAIT_S)
        functions = children_of(process)
        assert functions

        process.send_signal(signal.SIGINT)

        assert process.wait(WAIT_S) == 0
        for opened in (first, second):
            with pytest.raises(ConnectionClosed):
                opened.recv(timeout=WAIT_S)
    assert not [pid for pid in functions if is_alive(pid)]


def test_a_page_of_the_origin_that_was_given_may_call(run: "tuple[subprocess.Popen[str], str]") -> None:
    _, address = run

    answers = {
        origin: Client(address).request("OPTIONS", "/auth/token", headers={"Origin": origin}).headers
        for origin in (PAGE_ORIGIN, "http://localhost:5174")
    }

    allowed = {origin: headers.get("access-control-allow-origin") for origin, headers in answers.items()}
    assert allowed == {PAGE_ORIGIN: PAGE_ORIGIN, "http://localhost:5174": None}


def test_the_service_is_known_as_this_checkouts_and_a_second_run_names_it(
    run: "tuple[subprocess.Popen[str], str]", tmp_path: Path
) -> None:
    process, address = run

    assert find_service(tmp_path, port="") == address
    second = subprocess.run(
        [sys.executable, "-m", "local"],
        cwd=ROOT,
        env={**os.environ, "LOCAL_STATE_DIR": str(tmp_path), "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        timeout=START_S,
    )

    told = f"make run: another run is using {tmp_path} (process {process.pid} at {address}); stop it first\n"
    assert (second.returncode, second.stdout, second.stderr) == (1, "", told)


def children_of(process: "subprocess.Popen[str]") -> list[int]:
    """The processes that the threads of a process have started."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text("ascii").split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
