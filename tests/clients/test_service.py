"""clients/javascript against the running service: with a retry window of 1 s only the client's rules save a session."""

import contextlib
import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.cursors import Cursor

from local.client import Client
from local.seed import PASSWORD
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from local.traffic.population import populate
from tests.conftest import new_stack

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "javascript"
NODE = ROOT / ".venv-node" / "bin" / "node"
POINTS = (
    "before the token is read",
    "before the request is sent",
    "before the answer is read",
    "before the successor is saved",
    "while the successor is being saved",
    "after the successor is saved",
)


@pytest.fixture(scope="module")
def service(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> Iterator[LocalStack]:
    short = {"RetryWindowS": "1", "AccessTtlS": "30"}
    with new_stack(database, administrator, aws, "inprocess", short) as started:
        yield started


def sign_ins(service: LocalStack, count: int) -> list[dict[str, Any]]:
    """Sessions of people of the test's own."""
    answers = []
    for username in populate(service.base_url, count, seed=uuid.uuid4().int % 10**6).usernames:
        reply = Client(service.base_url).post("/auth/login", {"username": username, "password": PASSWORD})
        assert reply.status == 200
        answers.append({**reply.json, "password": PASSWORD})
    return answers


def lost(service: LocalStack, answers: list[dict[str, Any]]) -> tuple[int, int]:
    """How many of these sessions ended, and how many reuse alarms there are in all."""
    ids = [uuid.UUID(answer["session_id"]).bytes for answer in answers]
    marks = ", ".join(["%s"] * len(ids))
    with contextlib.closing(service.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM auth_user_tokens WHERE id IN ({marks}) AND revoked_at IS NOT NULL", ids
        )
        [[ended]] = cursor.fetchall()
        cursor.execute("SELECT COUNT(*) FROM auth_token_events WHERE type = 'token_reuse_detected'")
        [[alarms]] = cursor.fetchall()
    return ended, alarms


def node(script: str, *arguments: str | Path, given: Any = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NODE, SCRIPTS / script, *map(str, arguments)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def trial(service: LocalStack, name: str, people: int, rounds: int) -> dict[str, int]:
    answers = sign_ins(service, people)
    done = node("trials.mjs", service.base_url, name, str(rounds), given=answers)
    assert done.returncode == 0, done.stderr
    counts: dict[str, int] = json.loads(done.stdout)
    print(name, counts)
    assert counts["ended"] == 0
    assert lost(service, answers) == (0, 0)
    return counts


def test_a_proxy_that_loses_cuts_and_delays_ends_no_session(service: LocalStack) -> None:
    counts = trial(service, "proxy", people=6, rounds=3)

    assert counts["unreachable"] >= counts["needed"] / 4
    assert counts["made"] == counts["needed"]


def test_clocks_that_are_wrong_or_jump_and_a_day_asleep_end_no_session(service: LocalStack) -> None:
    counts = trial(service, "clocks", people=4, rounds=3)

    assert counts["made"] == counts["needed"]


def test_an_api_that_refuses_everything_is_worth_one_refresh(service: LocalStack) -> None:
    counts = trial(service, "refusals", people=3, rounds=20)

    assert counts["made"] == counts["needed"]


def test_a_step_up_whose_answer_is_lost_raises_the_session_and_ends_none(service: LocalStack) -> None:
    trial(service, "stepUps", people=1, rounds=1)


def test_a_process_that_is_killed_at_any_point_ends_no_session(service: LocalStack, tmp_path: Path) -> None:
    answers = sign_ins(service, 1)
    file = tmp_path / "session"
    [answer] = answers
    record = {
        "v": 1,
        "salt": "salt-of-the-test",
        "n": 0,
        "sid": answer["session_id"],
        "at": 0,
    }
    record |= {"token": answer["refresh_token"], "access": answer["access_token"], "lifeMs": 30_000}
    file.write_text(json.dumps(record))

    for point in POINTS:
        killed = node("child.mjs", service.base_url, file, point)
        assert killed.returncode and not killed.stdout, (point, killed.stderr)
        time.sleep(1.2)  # the retry window is over
        file.write_text(json.dumps({**json.loads(file.read_text()), "at": 0, "steadyAt": 0}))

    [last] = [json.loads(node("child.mjs", service.base_url, file).stdout)]
    assert last == {"isOver": False, "token": "eyJ"}
    assert lost(service, answers) == (0, 0)
    assert json.loads(file.read_text())["n"] >= 2
