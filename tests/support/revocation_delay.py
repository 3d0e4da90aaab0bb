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
    revoke_at: float = 0.0
    revoked_at: float | None = None
    passed_at: float = 0.0

    @property
    def delay_s(self) -> float:
        assert self.revoked_at is not None
        return max(0.0, self.passed_at - self.revoked_at)


def delays(base_url: str, *, moments: int, within_s: float, bound_s: float, seed: int) -> list[float]:
    """The delay of each of `moments` revocations, at random moments `within_s` seconds.

    Several requests are always under way, so that several environments, each with a feed of its own, are asked.
    """
    client = Client(base_url)
    watched = [_signed_in(client) for _ in range(moments)]
    with ThreadPoolExecutor(WATCHERS) as pool:
        # A start of an environment is no part of the time that is looked at.
        assert all(pool.map(lambda one: _passes(Client(base_url), one), watched[:WATCHERS]))
        rng, started = random.Random(seed), time.monotonic()
        for one in watched:
            one.revoke_at = started + rng.uniform(0, within_s)
        ends = started + within_s + bound_s + 1
        revoker = threading.Thread(target=_revoke_all, args=(base_url, watched))
        revoker.start()
        list(pool.map(lambda part: _watch(base_url, watched[part::WATCHERS], ends), range(WATCHERS)))
    revoker.join()
    return [one.delay_s for one in watched]


def _signed_in(client: Client) -> Watched:
    answer = client.post("/auth/login", {"username": USERS[0].username, "password": PASSWORD}).json
    return Watched(answer["access_token"], answer["refresh_token"])


def _revoke_all(base_url: str, watched: list[Watched]) -> None:
    client = Client(base_url)
    for one in sorted(watched, key=lambda one: one.revoke_at):
        time.sleep(max(0.0, one.revoke_at - time.monotonic()))
        assert client.form("/auth/revoke", {"token": one.refresh_token}).status == 200
        one.revoked_at = time.monotonic()


def _watch(base_url: str, watched: list[Watched], ends: float) -> None:
    client = Client(base_url)
    while time.monotonic() < ends:
        for one in watched:
            asked_at = time.monotonic()
            if _passes(client, one):
                one.passed_at = asked_at


def _passes(client: Client, one: Watched) -> bool:
    return client.get(f"{JOBS_HTTP}/jobs", bearer=one.access_token).status == 200
