"""`make traffic`: people and attackers against the running local service, for its figures and findings.

Each client has an address of its own in 127.0.0.0/8 (on Linux; elsewhere all share one), and sends a place as
CloudFront does. A seeded random generator chooses what each of them does.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import queue
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from local.client import Client, Reply
from local.seed import PASSWORD
from local.stack import JOBS_HTTP

WORKERS = 6
PAUSE_S = 0.02
TURNS_BEFORE_TRYING_AGAIN = 50
# The country, latitude and longitude of each place.
PLACES = (
    ("IE", "53.35", "-6.26"),
    ("DE", "52.52", "13.40"),
    ("ES", "40.42", "-3.70"),
    ("PL", "52.23", "21.01"),
    ("SE", "59.33", "18.07"),
)
FAR_AWAY = ("AU", "-33.87", "151.21")

Steps = Iterator[None]
"""The requests of one client. At each `yield` other clients have their turn."""


class CannotReach(Exception):
    """The service does not answer, or is not in local mode."""


@dataclass
class Population:
    """The service, and the users of this run. tally: counts responses by client, request and outcome."""

    base_url: str
    usernames: list[str]
    chance: random.Random
    tally: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _hosts: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    def client(self, place: tuple[str, str, str]) -> Client:
        """A client at a place, with an address of its own."""
        host = next(self._hosts)
        address = f"127.77.{host // 250}.{host % 250 + 1}" if sys.platform == "linux" else ""
        return Client(self.base_url, address, place_headers(place))

    def note(self, who: str, what: str, reply: Reply) -> Reply:
        error = (reply.json or {}).get("error") if reply.status >= 400 and reply.status != 403 else None
        self.tally[who, what, f"{reply.status} {error or ''}".strip()] += 1
        return reply


def place_headers(place: tuple[str, str, str]) -> dict[str, str]:
    """The viewer headers that CloudFront adds."""
    country, latitude, longitude = place
    return {
        "CloudFront-Viewer-Country": country,
        "CloudFront-Viewer-Latitude": latitude,
        "CloudFront-Viewer-Longitude": longitude,
    }


def login(client: Client, username: str, password: str = PASSWORD, device: str = "phone") -> Reply:
    body = {"username": username, "password": password, "device": {"name": device}}
    return client.post("/auth/login", body)


def refresh(client: Client, token: str) -> Reply:
    return client.form("/auth/token", {"grant_type": "refresh_token", "refresh_token": token})


def person(population: Population, username: str, who: str = "people") -> Steps:
    """Logs in, works, refreshes, sometimes loses a response, and logs out in the end. Then it starts again."""
    client = population.client(population.chance.choice(PLACES))
    while True:
        entered = population.note(
            who, "log in", login(client, username, device=population.chance.choice(DEVICES))
        )
        yield
        if entered.status != 200:
            yield from itertools.repeat(None, TURNS_BEFORE_TRYING_AGAIN)
            continue
        tokens = entered.json
        for _ in range(population.chance.randint(5, 40)):
            tokens = _works(population, client, tokens, who)
            yield
        population.note(who, "log out", client.post("/auth/logout", {}, bearer=tokens["access_token"]))
        yield


DEVICES = ("phone", "laptop", "tablet")


def _works(population: Population, client: Client, tokens: dict[str, Any], who: str) -> dict[str, Any]:
    """One action of a person. Returns the tokens that the person then has."""
    drawn = population.chance.random()
    access = tokens["access_token"]
    if drawn < 0.5:
        population.note(who, "call the jobs API", client.get(f"{JOBS_HTTP}/jobs", bearer=access))
        return tokens
    if drawn < 0.6:
        population.note(who, "list sessions", client.get("/auth/sessions", bearer=access))
        return tokens
    if drawn < 0.75:
        refresh(client, tokens["refresh_token"])  # the response is lost
        reply = population.note(
            who, "refresh again after a lost answer", refresh(client, tokens["refresh_token"])
        )
    else:
        reply = population.note(who, "refresh", refresh(client, tokens["refresh_token"]))
    return reply.json if reply.status == 200 else tokens


def stuffing(population: Population) -> Steps:
    """One source tries the passwords of a leak on many accounts."""
    client = population.client(FAR_AWAY)
    for number in range(60):
        name = (
            population.usernames[number]
            if number < len(population.usernames)
            else f"leaked{number}@example.com"
        )
        population.note("credential stuffing", "log in", login(client, name, "123456"))
        yield


def guessing(population: Population) -> Steps:
    """Many sources try one account."""
    victim = population.chance.choice(population.usernames)
    for number in range(30):
        client = population.client(population.chance.choice(PLACES))
        population.note("guessing one account", "log in", login(client, victim, f"guess {number}"))
        yield


def thief(population: Population) -> Steps:
    """Copies a refresh token, and sends it after its owner has refreshed the session."""
    owner = population.client(population.chance.choice(PLACES))
    entered = login(owner, population.chance.choice(population.usernames))
    if entered.status != 200:
        return
    copied = tokens = entered.json["refresh_token"]
    for _ in range(3):
        yield
        tokens = refresh(owner, tokens).json["refresh_token"]
    population.note("thief", "show an old refresh token", refresh(population.client(FAR_AWAY), copied))
    yield
    population.note("owner after the theft", "refresh", refresh(owner, tokens))


def traveller(population: Population) -> Steps:
    """Uses one session on two continents within minutes."""
    at_home = population.client(PLACES[0])
    entered = login(at_home, population.chance.choice(population.usernames))
    if entered.status == 200:
        yield
        away = population.client(FAR_AWAY)
        population.note("far away", "refresh", refresh(away, entered.json["refresh_token"]))


def collector(population: Population) -> Steps:
    """Signs in on one new device after another."""
    client, name = population.client(PLACES[1]), population.chance.choice(population.usernames)
    for number in range(12):
        population.note("burst of devices", "log in", login(client, name, device=f"device {number}"))
        yield


def hurry(population: Population) -> Steps:
    """Refreshes far more often than any client needs to."""
    client = population.client(PLACES[2])
    reply = login(client, population.chance.choice(population.usernames))
    for _ in range(120):
        if reply.status != 200:
            return
        reply = population.note("refresh storm", "refresh", refresh(client, reply.json["refresh_token"]))
        yield


def forger(population: Population) -> Steps:
    """Sends made-up tokens."""
    client = population.client(FAR_AWAY)
    for _ in range(30):
        made_up = "aut_rt_" + "".join(population.chance.choices("ABCDEFabcdef0123456789-_", k=100))
        population.note("forger", "show a made-up token", refresh(client, made_up))
        yield


ATTACKS: tuple[Callable[[Population], Steps], ...] = (
    stuffing,
    guessing,
    thief,
    thief,
    traveller,
    collector,
    hurry,
    forger,
)


def populate(base_url: str, users: int, seed: int) -> Population:
    """A population with as many new users as `users` says. Raises CannotReach."""
    try:
        reply = Client(base_url).post("/_local/users", {"count": users})
    except OSError as exc:
        raise CannotReach(f"nothing answers at {base_url}: start `make run` first") from exc
    if reply.status == 403:
        raise CannotReach(f"{reply.json['message']} Start `make run` without TOKENS_DB_URL.")
    if reply.status != 200:
        raise CannotReach(f"{base_url} is not a service in local mode: {reply.shortened()}")
    return Population(base_url, reply.json["usernames"], random.Random(seed))


def run(population: Population, duration_s: float, tick: Callable[[float], None] = lambda _: None) -> None:
    """Runs people all the time, and each attack once, spread over the first half.

    tick: called with the seconds since the start. Raises CannotReach if the service stops answering.
    """
    started = time.monotonic()
    waiting: queue.Queue[Steps] = queue.Queue()
    for name in population.usernames:
        waiting.put(person(population, name))
    over = threading.Event()
    with ThreadPoolExecutor(WORKERS) as pool:
        workers = [pool.submit(_work, waiting, over) for _ in range(WORKERS)]
        try:
            for number, attack in enumerate(ATTACKS):
                _wait_until(started + duration_s / 2 * number / len(ATTACKS), started, tick, workers)
                waiting.put(attack(population))
            _wait_until(started + duration_s, started, tick, workers)
        finally:
            over.set()
    try:
        for worker in workers:
            worker.result()
    except (OSError, http.client.HTTPException) as exc:
        raise CannotReach(f"{population.base_url} does not answer any more: {exc}") from exc


def _work(waiting: queue.Queue[Steps], over: threading.Event) -> None:
    while not over.is_set():
        try:
            steps = waiting.get(timeout=PAUSE_S)
        except queue.Empty:
            continue
        if next(steps, _OVER) is not _OVER:
            waiting.put(steps)
        time.sleep(PAUSE_S)


_OVER = object()


def _wait_until(
    instant: float, started: float, tick: Callable[[float], None], workers: Sequence[Future[None]]
) -> None:
    """Waits until an instant, or until a worker ends, which it only does by an error."""
    while (now := time.monotonic()) < instant and not any(worker.done() for worker in workers):
        tick(now - started)
        time.sleep(min(0.1, instant - now))


def report(population: Population) -> Table:
    """The counted responses by client and request."""
    table = Table("who", "what", "answer", "times")
    table.columns[-1].justify = "right"
    for (who, what, answer), times in sorted(population.tally.items()):
        table.add_row(who, what, answer, str(times))
    return table


def main(arguments: list[str] | None = None) -> int:
    """Returns 1 if the service cannot be reached, or if any response had status 500."""
    parser = argparse.ArgumentParser(prog="make traffic", description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:3000")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    console = Console()
    try:
        population = populate(wanted.base_url, wanted.users, wanted.seed)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("traffic", total=wanted.seconds)
            run(population, wanted.seconds, lambda gone: progress.update(bar, completed=gone))
            progress.update(bar, completed=wanted.seconds)
    except CannotReach as exc:
        print(f"make traffic: {exc}", file=sys.stderr)
        return 1
    console.print(report(population))
    return int(any(answer.startswith("500") for _, _, answer in population.tally))


if __name__ == "__main__":
    sys.exit(main())
