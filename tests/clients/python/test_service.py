"""The client against the running service: nobody is signed out, and no reuse is detected, whatever happens to it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests

from auth_user_tokens import AuthError, Event, FileStore, Refreshed, Session, SignedOutEvent
from auth_user_tokens.clock import Instant, SystemClock
from auth_user_tokens.errors import NoAnswer
from auth_user_tokens.sender import Sender, StandardSender
from auth_user_tokens.steps import Send
from auth_user_tokens.wire import Reply
from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from tests.docs.markdown import README, ROOT, code_blocks

BOB = USERS[1].username
POINTS = ("read", "sent", "answered", "saving", "saved")
# One call with an expired token, in a process that kills itself at a named point.
VICTIM = """
import os, signal, sys
from auth_user_tokens import FileStore, Session
from auth_user_tokens.steps import Load, Send, Swap
issuer, path, point, ahead = sys.argv[1:]
session = Session(issuer, FileStore(path))
now = session._clock.now
class Ahead:
    def now(self):
        at = now()
        return type(at)(at.wall + float(ahead), at.steady + float(ahead))
for part in (session._keeper, session._refresher, session._refresher._asking):
    part._clock = Ahead()
perform = session._driver.perform
def dying(step):
    def die(here):
        if here == point:
            os.kill(os.getpid(), signal.SIGKILL)
    if isinstance(step, Swap):
        die("saving")
    if isinstance(step, Send):
        die("read")
        if point == "sent":
            session._driver._send(step)
            die("sent")
    result = perform(step)
    if isinstance(step, Send):
        die("answered")
    if isinstance(step, Swap):
        die("saved")
    return result
session._driver.perform = dying
session.access_token()
"""


@pytest.fixture(scope="module")
def service(service: LocalStack) -> str:
    """Its address."""
    return service.base_url


@dataclass
class Ahead:
    """This machine's clock, and what the test adds."""

    by_s: float = 0.0
    wall_by_s: float = 0.0
    own: SystemClock = field(default_factory=SystemClock)

    def now(self) -> Instant:
        at = self.own.now()
        return Instant(at.wall + self.by_s + self.wall_by_s, at.steady + self.by_s)

    def passes(self, seconds: float) -> None:
        self.by_s += seconds


@dataclass
class Trial:
    """A session whose tokens age as the test says."""

    issuer: str
    path: Path
    clock: Ahead = field(default_factory=Ahead)
    events: list[Event] = field(default_factory=list)

    def session(self, **options: Any) -> Session:
        made = Session(self.issuer, FileStore(self.path), clock=self.clock, **options)
        made.on(self.events.append)
        return made

    def assert_alive(self, session: Session, refreshes: range) -> None:
        """Nobody was signed out, the session works, and there were as many refreshes as had to be."""
        reply = requests.get(f"{self.issuer}/auth/session", auth=session.requests_auth(), timeout=30)
        found = Client(self.issuer).signed("GET", "/admin/security/events?type=token_reuse_detected")

        assert reply.status_code == 200
        assert found.status == 200 and found.json["events"] == []
        assert not [event for event in self.events if isinstance(event, SignedOutEvent)]
        assert len([event for event in self.events if isinstance(event, Refreshed)]) in refreshes


@pytest.fixture
def trial(service: str, tmp_path: Path) -> Trial:
    made = Trial(service, tmp_path / "session")
    made.session().sign_in(BOB, PASSWORD)
    return made


def test_threads_that_share_a_session_refresh_once_a_life(trial: Trial) -> None:
    session = trial.session()
    url = f"{trial.issuer}/auth/session"
    with (
        httpx2.Client(auth=session.httpx_auth(), timeout=30) as client,
        ThreadPoolExecutor(6) as pool,
    ):
        for _ in range(3):
            trial.clock.by_s += 700
            assert {reply.status_code for reply in pool.map(client.get, [url] * 12)} == {200}

    trial.assert_alive(session, range(3, 4))


def test_sessions_that_share_a_file_refresh_at_the_same_moment_and_live(trial: Trial) -> None:
    sessions = [trial.session() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            trial.clock.by_s += 700
            tokens = list(pool.map(lambda session: session.access_token(), sessions))
            assert all(tokens)

    trial.assert_alive(sessions[0], range(3, 4))


def lossy(sender: StandardSender, chance: random.Random) -> Sender:
    """Loses one request in five, one answer in five, cuts one, and has a proxy's page in place of one in ten."""

    def send(step: Send) -> Reply:
        drawn = chance.random()
        if drawn < 0.2:
            raise NoAnswer("lost on the way there")
        reply = sender(step)
        if drawn < 0.4:
            raise NoAnswer("lost on the way back")
        if drawn < 0.6:
            return Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])
        return Reply(502, {"content-type": "text/html"}, b"<html>") if drawn < 0.7 else reply

    return send


def test_a_network_that_loses_and_cuts_ends_no_session(trial: Trial) -> None:
    sender = lossy(StandardSender(trial.clock), random.Random(5))
    sessions = [trial.session(http=sender) for _ in range(2)]
    for session in sessions:
        session._driver._sleep = trial.clock.passes
    for _ in range(6):
        trial.clock.by_s += 700
        for session in sessions:
            assert session.access_token()

    trial.assert_alive(trial.session(), range(6, 7))


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_clock_that_is_set_costs_at_most_one_refresh(trial: Trial, jump: float) -> None:
    session = trial.session()
    session._driver._sleep = trial.clock.passes
    session.access_token()
    trial.clock.wall_by_s = jump

    trial.assert_alive(session, range(2))


@pytest.mark.parametrize("point", POINTS)
def test_a_process_that_is_killed_leaves_a_session_that_lives(trial: Trial, point: str) -> None:
    arguments = [trial.issuer, str(trial.path), point, "700"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python")}
    killed = subprocess.run(
        [sys.executable, "-c", VICTIM, *arguments],
        env=environment,
        timeout=120,
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    trial.clock.by_s += 1500

    another = trial.session()
    assert another.access_token()

    trial.assert_alive(another, range(1, 2))


def test_after_a_day_asleep_the_session_goes_on(trial: Trial) -> None:
    session = trial.session()
    session.access_token()
    trial.clock.by_s += 86_400

    trial.assert_alive(session, range(1, 2))


def test_a_device_token_opens_sessions_one_after_another(service: str, tmp_path: Path) -> None:
    trial = Trial(service, tmp_path / "session")
    session = trial.session()
    session.sign_in(BOB, PASSWORD, device_name="laptop", remember=True)
    first = session.info()
    session.sign_in_with_device()
    second = session.info()

    assert first and second
    assert (first.device_id, first.session_id != second.session_id) == (second.device_id, True)
    trial.assert_alive(session, range(1))


def test_a_step_up_whose_answer_is_lost_raises_the_session_and_ends_none(trial: Trial) -> None:
    standard, losses = StandardSender(trial.clock), [True]

    def lossy(step: Send) -> Reply:
        reply = standard(step)
        if reply.status == 200 and losses and losses.pop():
            raise NoAnswer("lost on the way back")
        return reply

    session = trial.session(http=lossy)
    url = f"{trial.issuer}/auth/session"
    before = requests.get(url, auth=session.requests_auth(), timeout=30).json()
    while time.time() < before["auth_time"] + 1:  # auth_time is in whole seconds
        time.sleep(0.05)
    with pytest.raises(AuthError, match="invalid_credentials"):
        session.step_up("wrong")
    session.step_up(PASSWORD, max_age_s=0)

    after = requests.get(url, auth=session.requests_auth(), timeout=30).json()
    assert after["session_id"] == before["session_id"]
    assert after["auth_time"] > before["auth_time"]
    trial.assert_alive(session, range(1, 2))


def test_a_bound_session_lives_through_a_wrong_clock_lost_answers_lost_nonces_and_refusals(
    service: str, tmp_path: Path
) -> None:
    standard, lost = StandardSender(SystemClock()), list[str]()
    statuses: list[tuple[str, int]] = []

    def lossy(step: Send) -> Reply:
        reply = standard(step)
        path = step.request.url.removeprefix(service)
        statuses.append((path, reply.status))
        if reply.status == 200 and path in lost:
            lost.remove(path)
            raise NoAnswer("lost on the way back")
        return reply

    def taken() -> list[tuple[str, int]]:
        found = list(statuses)
        statuses.clear()
        return found

    trial = Trial(service, tmp_path / "session", Ahead(wall_by_s=3600))
    keys = FileStore(tmp_path / "key")
    session = trial.session(dpop=keys, http=lossy)
    session._driver._sleep = trial.clock.passes
    login, token, step_up = "/auth/login", "/auth/token", "/auth/step-up"
    session.sign_in(BOB, PASSWORD)
    assert taken() == [(login, 400), (login, 400), (login, 200)]  # the clock, the nonce

    jobs = f"{service}/examples/http/jobs"
    assert requests.get(jobs, auth=session.requests_auth(), timeout=30).status_code == 200
    trial.clock.by_s += 700
    lost.append(token)
    session.access_token()
    assert [status for _, status in taken()][-2:] == [200, 200]

    another = trial.session(dpop=keys, http=lossy, http_apis=[service])  # knows neither nonce nor clock
    trial.clock.by_s += 60
    with httpx2.Client(auth=another.httpx_auth(), timeout=30) as client:
        assert client.get(jobs).status_code == 200  # after a bare 403 and a refresh
    with pytest.raises(AuthError, match="invalid_credentials"):
        session.step_up("wrong")
    lost.append(step_up)
    session.step_up(PASSWORD)
    assert [status for _, status in taken()][-3:] == [401, 200, 200]

    access_token = session.access_token()
    stolen = requests.get(
        f"{service}/auth/session", headers={"Authorization": f"Bearer {access_token}"}, timeout=30
    )
    assert stolen.status_code == 401
    trial.assert_alive(session, range(3, 4))
    session.sign_out()
    assert session.info() is None


def test_signing_out_ends_the_session_at_the_service(trial: Trial) -> None:
    session = trial.session()
    refresh_token = json.loads(trial.path.read_text("utf-8"))["session"]["refresh_token"]
    session.sign_out()

    found = Client(trial.issuer).signed("POST", "/auth/introspect", {"token": refresh_token})
    assert found.json == {"active": False}
    assert session.info() is None


@pytest.mark.parametrize(
    "page", [README, ROOT / "clients" / "python" / "README.md"], ids=lambda page: page.parent.name
)
def test_the_lines_of_the_readme_run_as_they_stand(service: str, tmp_path: Path, page: Path) -> None:
    lines = code_blocks(page, "python")[0].replace("http://127.0.0.1:3000", service)
    for path in ("~/.config/example/session", ".local/session"):
        lines = lines.replace(path, str(tmp_path / "session"))
    said: list[Any] = []

    exec(lines, {"print": said.append})

    [jobs] = said
    assert "jobs" in jobs
