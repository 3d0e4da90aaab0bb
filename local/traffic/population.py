"""The users of a run, the clients that act for them or against them, and how the service answered."""

from __future__ import annotations

import itertools
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from local.client import Client, Reply
from local.seed import PASSWORD

# No answer to a client takes longer; a service that hangs must not outlast an interrupt.
TIMEOUT_S = 15
# The country, latitude and longitude of each place.
PLACES = (
    ("IE", "53.35", "-6.26"),
    ("DE", "52.52", "13.40"),
    ("ES", "40.42", "-3.70"),
    ("PL", "52.23", "21.01"),
    ("SE", "59.33", "18.07"),
)
FAR_AWAY = ("AU", "-33.87", "151.21")

Steps = Iterator[float]
"""The requests of one client. Each `yield` says for how many seconds it pauses."""


class CannotReach(Exception):
    """The service does not answer, or is not in local mode."""


class Addresses:
    """Client addresses, each given out once: on Linux all of 127.0.0.0/8, elsewhere a single one.

    Those of two runs differ, because limits and findings remember a network.
    """

    def __init__(self) -> None:
        fresh = random.SystemRandom()
        self._first, self._second = fresh.randrange(1, 255), fresh.randrange(100)
        self._hosts = itertools.count()

    @property
    def are_many(self) -> bool:
        return sys.platform == "linux"

    def next(self) -> str:
        """Empty where there is a single one."""
        host = next(self._hosts)
        network = f"127.{self._first}.{self._second + host // 250}"
        return f"{network}.{host % 250 + 1}" if self.are_many else ""


class Tally:
    """Counts answers by who asked, what, and how it was answered."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()

    def note(self, who: str, what: str, reply: Reply) -> None:
        error = (reply.json or {}).get("error") if reply.status >= 400 and reply.status != 403 else None
        with self._lock:
            self.counts[who, what, f"{reply.status} {error or ''}".strip()] += 1


@dataclass
class Population:
    """Users of the service at base_url. who: what those are called who act for them, or against them; user_ids: by
    user name, where they are known."""

    base_url: str
    usernames: Sequence[str]
    chance: random.Random
    who: str = "people"
    user_ids: Mapping[str, str] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    addresses: Addresses = field(default_factory=Addresses)

    def part(self, usernames: Sequence[str], who: str) -> Population:
        """Some of the users, whose fate does not depend on what becomes of the others; all are counted together."""
        chance = random.Random(self.chance.random())
        ids = {name: self.user_ids[name] for name in usernames}
        return replace(self, usernames=usernames, chance=chance, who=who, user_ids=ids)

    def client(self, place: tuple[str, str, str]) -> Client:
        """A client at a place, with an address of its own where this system has more than one."""
        return Client(self.base_url, self.addresses.next(), place_headers(place), timeout_s=TIMEOUT_S)

    def anywhere(self) -> Client:
        """A client at one of PLACES."""
        return self.client(self.chance.choice(PLACES))

    def note(self, what: str, reply: Reply) -> Reply:
        """Counts an answer, and returns it."""
        self.tally.note(self.who, what, reply)
        return reply


def populate(base_url: str, users: int, seed: int) -> Population:
    """A population of `users` new users. Raises CannotReach."""
    try:
        reply = Client(base_url, timeout_s=TIMEOUT_S).post("/_local/users", {"count": users})
    except OSError as exc:
        raise CannotReach(f"nothing answers at {base_url}: start `make run` first") from exc
    if reply.status == 403:
        raise CannotReach(f"{reply.json['message']} Start `make run` without TOKENS_DB_URL.")
    if reply.status != 200:
        raise CannotReach(f"{base_url} is not a service in local mode: {reply.shortened()}")
    ids = {user["username"]: user["id"] for user in reply.json["users"]}
    return Population(base_url, list(ids), random.Random(seed), user_ids=ids)


def place_headers(place: tuple[str, str, str]) -> dict[str, str]:
    """The viewer headers that CloudFront adds."""
    country, latitude, longitude = place
    return {
        "CloudFront-Viewer-Country": country,
        "CloudFront-Viewer-Latitude": latitude,
        "CloudFront-Viewer-Longitude": longitude,
    }


def login(client: Client, username: str, password: str = PASSWORD, **device: object) -> Reply:
    """device: its id, name, and whether it is remembered."""
    body = {"username": username, "password": password, "device": device or {"name": "phone"}}
    return client.post("/auth/login", body)


def refresh(client: Client, token: str, retry_key: str = "") -> Reply:
    """retry_key: by which a client that lost the answer may ask again at any time."""
    fields = {"grant_type": "refresh_token", "refresh_token": token}
    return client.form("/auth/token", fields, headers={"Idempotency-Key": retry_key} if retry_key else {})
