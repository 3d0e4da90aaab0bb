"""How long a revoked session's access token still passes at another team's API, looked at over HTTP."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import JOBS_HTTP

WATCHERS = 4


@dataclass
class Watched:
    """A session. revoked_at: when the answer to its revocation was there; passed_at: when the last request set
    out that was let in. Both by time.monotonic()."""

    access_token: str
    refresh_token: str
    revoked_at: float | None = None
    passed_at: float = 0.0

    @property
    def delay_s(self) -> float:
        assert self.revoked_at is not None
        return max(0.0, self.passed_at - self.revoked_at)


def delays(base_url: str, *, moments: int, within_s: float, bound_s: float, seed: int) -> list[float]:
    """The delay of each of `moments` revocations, at random moments of `within_s` seconds or, on a slow machine, more.

    Several requests are always under way, so that several environments, each with a feed of its own, are asked.
    """
    client = Client(base_url)
    watched = [_signed_in(client) for _ in range(moments)]
    with ThreadPoolExecutor(WATCHERS) as pool:
        # A start of an environment is no part of the time that is looked at.
        assert all(pool.map(lambda one: _passes(Client(base_url), one), watched[:WATCHERS]))
        over = threading.Event()
        watchers = [pool.submit(_watch, base_url, watched[n::WATCHERS], over) for n in range(WATCHERS)]
        try:
            _revoke_all(base_url, watched, random.Random(seed), within_s)
            time.sleep(bound_s + 1)
        finally:
            over.set()
        for watcher in watchers:
            watcher.result()
    return [one.delay_s for one in watched]


def _signed_in(client: Client) -> Watched:
    answer = client.post("/auth/login", {"username": USERS[0].username, "password": PASSWORD}).json
    return Watched(answer["access_token"], answer["refresh_token"])


def _revoke_all(base_url: str, watched: list[Watched], rng: random.Random, within_s: float) -> None:
    client, started = Client(base_url), time.monotonic()
    moments = sorted(rng.uniform(0, within_s) for _ in watched)
    for one, moment in zip(watched, moments, strict=True):
        time.sleep(max(0.0, started + moment - time.monotonic()))
        assert client.form("/auth/revoke", {"token": one.refresh_token}).status == 200
        one.revoked_at = time.monotonic()


def _watch(base_url: str, watched: list[Watched], over: threading.Event) -> None:
    client = Client(base_url)
    while not over.is_set():
        for one in watched:
            asked_at = time.monotonic()
            if _passes(client, one):
                one.passed_at = asked_at


def _passes(client: Client, one: Watched) -> bool:
    return client.get(f"{JOBS_HTTP}/jobs", bearer=one.access_token).status == 200
