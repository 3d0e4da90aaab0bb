"""`make run` as a process of its own: an interrupt ends it, whatever is open."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from local.client import Client
from local.reads import RENDERER
from local.running import find_service
from local.seed import PASSWORD, USERS
from local.servers.database.address import DatabaseAddress
from local.stack import JOBS_SOCKET
from tests.docs.markdown import ROOT
from tests.support.runs import PYTHONPATH, START_S, Run, started

# Longer than an end takes that waits for nobody, and shorter than the gateway's own time-outs.
WAIT_S = 20


@pytest.fixture
def run(tmp_path: Path, database: DatabaseAddress) -> Iterator[Run]:
    """A run that a test may end."""
    with started(tmp_path, database) as one:
        yield one


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="asks the kernel, as Linux lets it, for children"
)
def test_an_interrupt_ends_the_run_with_sockets_open(run: Run) -> None:
    process, address = run.process, run.address
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


def test_a_page_of_the_origin_that_was_given_may_call(running: Run) -> None:
    answers = {
        origin: Client(running.address).request("OPTIONS", "/auth/token", headers={"Origin": origin}).headers
        for origin in (running.origin, "http://localhost:5174")
    }

    allowed = {origin: headers.get("access-control-allow-origin") for origin, headers in answers.items()}
    assert allowed == {running.origin: running.origin, "http://localhost:5174": None}


def test_the_start_says_each_step_and_ends_with_pages_and_users(running: Run) -> None:
    steps, _, guide = running.told.partition("everything serves\n")

    stamped = [re.fullmatch(r" *\d+\.\d s  (\w+)(.*)", line) for line in steps.splitlines()[:-1]]
    begun = [step[1] for step in stamped if step]
    assert begun == ["make", "settings", "templates", "AWS", "database", "functions", "migrations", "users"]
    assert (
        f"settings: AccessTtlS=61 (default: 600), AllowedOrigins={running.origin} (default: empty)" in steps
    )
    for told in (f"{running.address}/pages/account", f"{running.address}/pages/security", PASSWORD):
        assert told in guide
    assert "Attacks    make traffic " in guide
    assert ("after `make docs`" in guide) is not RENDERER.is_dir()
    assert [user.username for user in USERS if f"{user.username} " in guide and user.about in guide] == [
        user.username for user in USERS
    ]


def test_a_parameter_that_was_set_holds(running: Run) -> None:
    login = Client(running.address).post("/auth/login", {"username": USERS[1].username, "password": PASSWORD})

    assert login.json["expires_in"] == 61


def test_a_refused_request_is_one_line_with_the_reason_that_its_function_logged(running: Run) -> None:
    login = {"username": USERS[1].username, "password": "not the password"}

    Client(running.address).post("/auth/login", login)
    Client(running.address).get("/auth/session?access_token=secret", bearer="no-token")
    Client(running.address).signed("GET", "/admin/keys", secret="wrong")

    told = running.told
    assert re.search(r"^\S+ POST +/auth/login +401 +\d+ ms  invalid_credentials$", told, re.MULTILINE)
    assert re.search(r"^\S+ GET +/auth/session\?… +401 +\d+ ms  invalid_token: \S", told, re.MULTILINE)
    assert re.search(
        r"^\S+ GET +/admin/keys +403 +\d+ ms  gateway: invalid signature: \S", told, re.MULTILINE
    )
    assert not [secret for secret in ("secret", "no-token", login["password"]) if secret in told]


def test_the_service_is_known_as_this_checkouts_and_a_second_run_names_it(running: Run) -> None:
    assert find_service(running.state, port="") == running.address

    second = subprocess.run(
        [sys.executable, "-m", "local"],
        cwd=ROOT,
        env={**os.environ, "LOCAL_STATE_DIR": str(running.state), "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        timeout=START_S,
    )

    first = f"process {running.process.pid} at {running.address}"
    said = f"make run: another run is using {running.state} ({first}); stop it first"
    assert (second.returncode, second.stdout, second.stderr.splitlines()[1:]) == (1, "", [said])


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
