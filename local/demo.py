"""`make demo`: the life of a token, step by step, against a local stack of its own, at PORT or a free port.

Every step prints what it asks and why, prints the response, and checks it. The exit code is 0 only if every check
holds.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from local.client import Client, Reply
from local.host.interrupts import Interrupts, noted_interrupts
from local.host.ports import DEFAULT_PORT, HOST, PortRefused, wanted_port
from local.options import GatewayOptions, RunnerOptions, ServerOptions
from local.screen import Screen
from local.seed import PASSWORD, USERS
from local.servers.database.program import NoServer
from local.servers.database.server import DatabaseFailed
from local.stack import JOBS_HTTP, JOBS_REST, LocalStack
from local.terminal import console

# The stated revocation delay: the staleness of the feed, as the gateway's result cache is off, and a margin for this
# machine.
STALENESS_S = 2
DELAY_S = STALENESS_S + 2
RETRY_WINDOW_S = 2


class CannotStart(Exception):
    """There is no stack to show. The text says why."""


class StepFailed(Exception):
    """A step did not do what it says."""


@dataclass
class Demo:
    """The service, and the tokens that the steps have collected."""

    stack: LocalStack
    client: Client
    screen: Screen
    interrupts: Interrupts
    step_number: int = 0
    tokens: dict[str, Any] = field(default_factory=dict)

    def step(self, title: str, why: str) -> None:
        self.interrupts.look()
        self.step_number += 1
        self.screen.step(self.step_number, title, why)

    def ask(self, what: str, reply: Reply) -> Reply:
        self.interrupts.look()
        self.screen.asked(what)
        self.screen.answered(reply)
        return reply

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            raise StepFailed(what)
        self.screen.holds(what)


def login(demo: Demo) -> None:
    demo.step("Log in", "A password buys a short-lived access token and a refresh token that is used once.")
    reply = demo.ask(
        "POST /auth/login  alice@example.com, device «phone»", _login(demo, "alice@example.com", "phone")
    )
    demo.expect(reply.status == 200, "the session is open")
    demo.tokens["phone"] = reply.json


def call_jobs(demo: Demo) -> None:
    demo.step("Call another team's API", "Its gateway asks our authorizer, which asks no database.")
    access = demo.tokens["phone"]["access_token"]
    for prefix, kind in ((JOBS_HTTP, "HTTP API"), (JOBS_REST, "REST API")):
        reply = demo.ask(f"GET {prefix}/jobs  ({kind})", demo.client.get(f"{prefix}/jobs", bearer=access))
        demo.expect(reply.status == 200, f"the {kind} lets the token in")
    refused = demo.ask(f"GET {JOBS_HTTP}/jobs  without a token", demo.client.get(f"{JOBS_HTTP}/jobs"))
    demo.expect(refused.status in (401, 403), "and nobody without one")


def refresh(demo: Demo) -> None:
    demo.step("Refresh", "The refresh token is spent for its one successor, in one conditional write.")
    first = demo.tokens["phone"]
    reply = demo.ask("POST /auth/token  grant_type=refresh_token", _refresh(demo, first["refresh_token"]))
    demo.expect(reply.status == 200, "new tokens")
    demo.expect(reply.json["session_id"] == first["session_id"], "the same session")
    demo.expect(reply.json["refresh_token"] != first["refresh_token"], "another refresh token")
    demo.tokens |= {"spent": first, "phone": reply.json}


def lost_answer(demo: Demo) -> None:
    demo.step(
        "Lose the answer, and ask again",
        "The successor is derived from the token shown: the retry gets the very same one, and nothing is written.",
    )
    reply = demo.ask(
        "POST /auth/token  with the spent token, at once",
        _refresh(demo, demo.tokens["spent"]["refresh_token"]),
    )
    demo.expect(reply.status == 200, "the retry is served")
    demo.expect(reply.json["refresh_token"] == demo.tokens["phone"]["refresh_token"], "the same successor")


def second_device(demo: Demo) -> None:
    demo.step("A second device", "Every sign-in is a session of its own.")
    reply = demo.ask(
        "POST /auth/login  alice@example.com, device «laptop»", _login(demo, "alice@example.com", "laptop")
    )
    demo.expect(reply.status == 200, "the second session is open")
    demo.tokens["laptop"] = reply.json


def session_list(demo: Demo) -> None:
    demo.step("The session list", "A person sees where they are signed in.")
    reply = demo.ask(
        "GET /auth/sessions", demo.client.get("/auth/sessions", bearer=demo.tokens["phone"]["access_token"])
    )
    listed = {session["session_id"]: session for session in reply.json["sessions"]}
    demo.expect(
        {demo.tokens["phone"]["session_id"], demo.tokens["laptop"]["session_id"]} <= listed.keys(),
        "both are in it",
    )
    demo.expect(listed[demo.tokens["phone"]["session_id"]]["current"], "the one that asks is marked")


def logout_one(demo: Demo) -> None:
    demo.step(
        "End the laptop's session from the phone",
        f"Its access token is still unexpired, and refused everywhere within {STALENESS_S} s (the stated delay).",
    )
    laptop, phone = demo.tokens["laptop"], demo.tokens["phone"]
    before = demo.client.get(f"{JOBS_HTTP}/jobs", bearer=laptop["access_token"])
    demo.expect(before.status == 200, "the laptop is let in before")
    reply = demo.ask(
        "DELETE /auth/sessions/{id}",
        demo.client.delete(f"/auth/sessions/{laptop['session_id']}", bearer=phone["access_token"]),
    )
    demo.expect(reply.status == 204, "ended")
    own = demo.ask(
        "GET /auth/session  from the laptop", demo.client.get("/auth/session", bearer=laptop["access_token"])
    )
    demo.expect(own.status == 401, "our own routes refuse it at once")
    waited = _until(lambda: demo.client.get(f"{JOBS_HTTP}/jobs", bearer=laptop["access_token"]).status != 200)
    demo.expect(waited is not None, f"the authorizer refuses it, too, after {waited or 0:.1f} s")


def theft(demo: Demo) -> None:
    demo.step(
        "A thief replays an old refresh token",
        "Spent, and outside the retry rules: someone else has it. The session ends, for the thief and the owner.",
    )
    time.sleep(RETRY_WINDOW_S)
    reply = demo.ask(
        "POST /auth/token  with the spent token, later", _refresh(demo, demo.tokens["spent"]["refresh_token"])
    )
    demo.expect((reply.status, reply.json["error"]) == (400, "invalid_grant"), "refused")
    owner = demo.ask(
        "POST /auth/token  with the newest token", _refresh(demo, demo.tokens["phone"]["refresh_token"])
    )
    demo.expect((owner.status, owner.json["error"]) == (400, "invalid_grant"), "the session is over")
    events = demo.client.signed("GET", "/admin/security/events?type=token_reuse_detected")
    demo.expect(len(events.json["events"]) == 1, "and the alarm is written")


def disabled_user(demo: Demo) -> None:
    demo.step("A disabled user", "Refused with the same words as a wrong password: nothing to learn from it.")
    disabled = demo.ask(
        "POST /auth/login  carol@example.com, right password", _login(demo, "carol@example.com", "phone")
    )
    wrong = demo.ask(
        "POST /auth/login  bob@example.com, wrong password", _login(demo, "bob@example.com", "phone", "wrong")
    )
    demo.expect((disabled.status, disabled.json) == (401, wrong.json), "same status, same body")


def garbage(demo: Demo) -> None:
    demo.step("Garbage", "A forged token is refused by its keyed tag, before any database call.")
    token = demo.tokens["phone"]["refresh_token"]
    forged = token[:50] + ("A" if token[50] != "A" else "B") + token[51:]
    with _statements_of_service(demo) as counted:
        for _ in range(20):
            reply = _refresh(demo, forged)
    demo.ask("POST /auth/token  20 times with one character changed", reply)
    demo.expect((reply.status, reply.json["error"]) == (400, "invalid_grant"), "refused")
    demo.expect(counted == [0], "the database's own counter says: no statement")


def clean_up(demo: Demo) -> None:
    demo.step("Cleanup", "What ended long enough ago is deleted, in short batches; the rest stays.")
    with contextlib.closing(demo.stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE auth_user_tokens SET expires_at = '2000-01-01' WHERE type <> 'device'")
        expired = cursor.rowcount
    report = demo.stack.invoke("cleanup", {})
    demo.screen.asked("the schedule's event to the cleanup function")
    demo.screen.returned(report)
    demo.expect(report["deleted"]["auth_user_tokens"] == expired > 0, f"all {expired} expired rows are gone")


STEPS = (
    login,
    call_jobs,
    refresh,
    lost_answer,
    second_device,
    session_list,
    logout_one,
    theft,
    disabled_user,
    garbage,
    clean_up,
)


# What to do next, and what comes of it. tests/e2e/test_demo.py does it.
NOW_TRY = (
    ("make run", "serves all of this until Ctrl-C, with pages for people"),
    (
        f"http://{HOST}:{DEFAULT_PORT}/pages/account",
        f"then shows where you are signed in: as {USERS[0].username}, password: {PASSWORD}",
    ),
    ("make traffic", "in a second terminal: attacks, and what the detection finds"),
)


def main() -> int:
    """Runs all steps. Returns 1 at the first check that fails, and where no stack can be started."""
    try:
        with noted_interrupts() as interrupts:
            return _run(Screen(console()), interrupts)
    except (CannotStart, DatabaseFailed, NoServer, OSError, PortRefused, ValueError) as exc:
        print(f"make demo: {exc}", file=sys.stderr)
        return 1


def _run(screen: Screen, interrupts: Interrupts) -> int:
    if os.environ.get("TOKENS_DB_URL"):
        raise CannotStart("it runs on a database of its own alone; unset TOKENS_DB_URL.")
    port = wanted_port("make demo", 0)
    screen.say("Starting a local stack of its own …")
    parameters = {"RevocationMaxStalenessS": str(STALENESS_S), "RetryWindowS": str(RETRY_WINDOW_S)}
    runner = RunnerOptions(max_environments=1)
    servers = ServerOptions(tell=lambda _: interrupts.look())
    gateway = GatewayOptions(port=port)
    with LocalStack(parameters, servers=servers, runner=runner, gateway=gateway) as stack:
        demo = Demo(stack, Client(stack.base_url), screen, interrupts)
        try:
            for step in STEPS:
                step(demo)
        except StepFailed as exc:
            screen.fails(str(exc))
            return 1
    screen.part(f"All {len(STEPS)} steps did what they say.", "bold green")
    screen.part("Now try:", "bold")
    for what, why in NOW_TRY:
        screen.offer(what, why)
    return 0


def _login(demo: Demo, username: str, device: str, password: str = PASSWORD) -> Reply:
    body = {"username": username, "password": password, "device": {"name": device}}
    return demo.client.post("/auth/login", body)


def _refresh(demo: Demo, token: str) -> Reply:
    return demo.client.form("/auth/token", {"grant_type": "refresh_token", "refresh_token": token})


def _until(happened: Callable[[], bool]) -> float | None:
    """Seconds until something happened. None if it did not happen within the stated delay."""
    started = time.monotonic()
    while time.monotonic() - started < DELAY_S:
        if happened():
            return time.monotonic() - started
        time.sleep(0.1)
    return None


@contextlib.contextmanager
def _statements_of_service(demo: Demo) -> Iterator[list[int]]:
    """Counts the statements that all clients send to the server within the block, without its own two."""
    counted: list[int] = []
    with contextlib.closing(demo.stack.connect()) as connection, connection.cursor() as cursor:

        def questions() -> int:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
            row = cursor.fetchone()
            assert row is not None
            return int(row[1])

        before = questions()
        yield counted
        counted.append(questions() - before - 1)
