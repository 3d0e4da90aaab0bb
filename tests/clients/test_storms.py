"""A service that is out for a while, and the helpers as its clients: nobody is early, and no wave follows.

STORM_CLIENTS=200: how many, with lives and outages of a few seconds more.
"""

import contextlib
import json
import os
import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from auth_user_tokens import AuthError, MemoryStore, Session, SignedOutEvent
from auth_user_tokens.clock import SystemClock
from auth_user_tokens.sender import StandardSender
from auth_user_tokens.steps import Send
from auth_user_tokens.wire import Reply
from local.client import Client
from local.seed import PASSWORD
from local.stack import LocalStack
from local.traffic.population import populate
from tests.clients.test_service import lost, node

CLIENTS = int(os.environ.get("STORM_CLIENTS", "40"))
LIFE_S = 8 if CLIENTS > 100 else 2
RETRY_AFTER_S = LIFE_S // 2
OUT_FROM_S, OUT_TO_S, END_S = 2 * LIFE_S, 2.4 * LIFE_S, 3.5 * LIFE_S
STORMS = [(503, "temporarily_unavailable"), (429, "rate_limited")]
SESSIONS_EACH = 10


@pytest.fixture
def answers(service: LocalStack) -> list[dict[str, Any]]:
    """Token answers of sessions that a backend began, as sign-ins by password would take the test's time."""
    client, found = Client(service.base_url), []
    for username in populate(
        service.base_url, CLIENTS // SESSIONS_EACH, seed=uuid.uuid4().int % 10**6
    ).usernames:
        login = client.post("/auth/login", {"username": username, "password": PASSWORD}).json
        user_id = client.get("/auth/session", bearer=login["access_token"]).json["sub"]
        for _ in range(SESSIONS_EACH):
            reply = client.signed("POST", "/auth/issue", {"user_id": user_id, "amr": ["pwd"]})
            assert reply.status == 200
            found.append(reply.json)
    return found


def assert_calm(service: LocalStack, answers: list[dict[str, Any]], seen: dict[str, int]) -> None:
    print(seen)
    assert (seen["ended"], seen["tooSoon"], lost(service, answers)) == (0, 0, (0, 0))
    assert seen["after"] <= 2 * seen["steady"]
    assert seen["made"] >= seen["needed"] * 0.9


# The 429 of the short form would show nothing that the 503 does not.
@pytest.mark.parametrize("status", [503, 429] if CLIENTS > 100 else [503])
def test_a_storm_leaves_the_javascript_clients_calm(
    service: LocalStack, answers: list[dict[str, Any]], status: int
) -> None:
    done = node("trials.mjs", service.base_url, f"storm{status}", str(LIFE_S), given=answers)

    assert done.returncode == 0, done.stderr
    assert_calm(service, answers, json.loads(done.stdout))


class Storm:
    """One client's way to the service; started_s: of all, by the monotonic clock."""

    def __init__(self, started_s: float, status: int, error: str) -> None:
        self.started_s = started_s
        self.refusal = Reply(
            status,
            {"content-type": "application/json", "retry-after": str(RETRY_AFTER_S)},
            json.dumps({"error": error}).encode(),
        )
        self.sender = StandardSender(SystemClock())
        self.tries: list[float] = []
        self.made = 0

    def now_s(self) -> float:
        return time.monotonic() - self.started_s

    def __call__(self, step: Send) -> Reply:
        self.tries.append(self.now_s())
        if is_out(self.tries[-1]):
            return self.refusal
        reply = self.sender(step)
        self.made += reply.status == 200
        return Reply(
            reply.status, reply.headers, json.dumps({**json.loads(reply.body), "expires_in": LIFE_S}).encode()
        )

    def live(self, issuer: str, answer: dict[str, Any], events: list[Any]) -> None:
        session = Session(issuer, MemoryStore(), http=self)
        session.on(events.append)
        session.adopt({**answer, "expires_in": random.randint(1, LIFE_S)})
        while self.now_s() < END_S:
            with contextlib.suppress(AuthError):
                session.access_token()
            time.sleep(random.uniform(0.05, 0.1))


def is_out(at_s: float) -> bool:
    return OUT_FROM_S <= at_s < OUT_TO_S


def most(tries: list[float], since_s: float, until_s: float) -> int:
    """In one second."""
    return max(Counter(int(at) for at in tries if since_s <= at < until_s).values())


@pytest.mark.parametrize(("status", "error"), STORMS if CLIENTS > 100 else STORMS[:1])
def test_a_storm_leaves_the_python_clients_calm(
    service: LocalStack, answers: list[dict[str, Any]], status: int, error: str
) -> None:
    events: list[Any] = []
    started_s = time.monotonic()
    storms = [Storm(started_s, status, error) for _ in answers]
    with ThreadPoolExecutor(len(storms)) as pool:
        list(pool.map(lambda storm, answer: storm.live(service.base_url, answer, events), storms, answers))

    gaps = [
        (before, after - before)
        for storm in storms
        for before, after in zip(storm.tries, storm.tries[1:], strict=False)
    ]
    tries = [at for storm in storms for at in storm.tries]
    seen = {
        "needed": int(len(storms) * (3.5 / 0.85 - 1)),
        "made": sum(storm.made for storm in storms),
        "ended": sum(isinstance(event, SignedOutEvent) for event in events),
        "tooSoon": sum(is_out(before) and gap < RETRY_AFTER_S for before, gap in gaps),
        "tries": len(tries),
        "steady": most(tries, LIFE_S, OUT_FROM_S),
        "after": most(tries, OUT_TO_S, END_S),
    }
    assert_calm(service, answers, seen)
