"""Calm people: they sign in once, work, refresh now and then, and some of them sign out. No rule may find them."""

from __future__ import annotations

import uuid
from typing import Any

from local.client import Client
from local.stack import JOBS_HTTP
from local.traffic.population import Population, Steps, login, refresh

DEVICES = ("phone", "laptop", "tablet")
# Between two actions of one person, seconds.
PAUSE_S = (1.0, 6.0)


def person(population: Population, username: str) -> Steps:
    """Signs in, works, refreshes, sometimes loses an answer, and may sign out; then the day is over."""
    chance, client = population.chance, population.anywhere()
    entered = population.note("sign in", login(client, username, name=chance.choice(DEVICES)))
    if entered.status != 200:
        return
    yield chance.uniform(*PAUSE_S)
    tokens = entered.json
    for _ in range(chance.randint(8, 60)):
        tokens = _works(population, client, tokens)
        yield chance.uniform(*PAUSE_S)
    population.note("sign out", client.post("/auth/logout", {}, bearer=tokens["access_token"]))


def _works(population: Population, client: Client, tokens: dict[str, Any]) -> dict[str, Any]:
    """One action. Returns the tokens that the person then has."""
    drawn, access = population.chance.random(), tokens["access_token"]
    if drawn < 0.7:
        population.note("call the jobs API", client.get(f"{JOBS_HTTP}/jobs", bearer=access))
        return tokens
    if drawn < 0.85:
        population.note("list sessions", client.get("/auth/sessions", bearer=access))
        return tokens
    retry_key = uuid.uuid4().hex
    if drawn < 0.88:
        refresh(client, tokens["refresh_token"], retry_key)  # the answer is lost
        what = "refresh again after a lost answer"
    else:
        what = "refresh"
    reply = population.note(what, refresh(client, tokens["refresh_token"], retry_key))
    return reply.json if reply.status == 200 else tokens
