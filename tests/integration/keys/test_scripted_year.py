"""A year of rotations under constant traffic, on a fast clock, in environments that each have their own caches.

A token is good until its `exp`, everywhere and at every moment, unless its key was withdrawn; a key that is gone
verifies nothing once the stated caches have turned over.
"""

import base64
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest

from auth_tokens.adapters.access_jwt.algorithms import ALGORITHMS, key_from
from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, TokenServiceError, Unavailable
from auth_tokens.domain.key_steps import Advance, Step
from auth_tokens.domain.keys import KeyState, Purpose
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.rotate_keys import rotate_keys, withdraw_signing_key
from auth_tokens.usecases.validate import ValidateDeps, validate
from tests.support import wiring
from tests.support.kms import WatchedKms, watched
from tests.support.world import CALLER, World, kid_of

DAY = 86_400
ISSUERS, AUTHORIZERS = 3, 2
LONG_LIVED = {"refresh_idle_ttl_s": 400 * DAY, "refresh_absolute_ttl_s": 400 * DAY, "access_ttl_s": 3600}


@dataclass(frozen=True)
class Issued:
    token: str
    kid: str
    exp: int


class JwksReader:
    """Another team's verifier that knows the JWKS alone, at its slowest: it looks again only when its copy is too
    old, never for a `kid` it does not know, and gets what discovery holds, which may be as old again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._discovery = world.environment().public_keys
        self._keys: dict[str, tuple[str, object]] = {}
        self._read_at: int | None = None

    def accepts(self, issued: Issued) -> bool:
        now, max_age_s = self._world.clock.now, self._world.settings.jwks_max_age_s
        if self._read_at is None or now - self._read_at >= max_age_s:
            self._keys = {jwk["kid"]: (jwk["alg"], key_from(jwk)) for jwk in self._discovery.jwks()}
            self._read_at = now
        if issued.kid not in self._keys:
            return False
        algorithm, key = self._keys[issued.kid]
        signing_input, _, signature = issued.token.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        return bool(ALGORITHMS[algorithm].verify(signing_input.encode(), key, raw))


@dataclass
class Traffic:
    """Sessions that refresh at changing issuers, and all their living tokens shown to all verifiers."""

    world: World
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    figures: Counter[str] = field(default_factory=Counter)
    kms: list[WatchedKms] = field(default_factory=list)
    living: list[Issued] = field(default_factory=list)
    withdrawn: set[str] = field(default_factory=set)
    gone_at: dict[str, int] = field(default_factory=dict)
    kids: set[str] = field(default_factory=set)
    sessions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.issuers = [self._environment() for _ in range(ISSUERS)]
        self.authorizers = [self._environment() for _ in range(AUTHORIZERS)]
        self.issuing = [wiring.issuing(environment) for environment in self.issuers]
        self.authorizing = [wiring.authorizing(environment) for environment in self.authorizers]
        self.rotating = [wiring.rotating(self.world.environment()) for _ in range(2)]
        self.reader = JwksReader(self.world)

    def sign_in(self, name: str) -> None:
        self.world.clock.now += 1
        self._note(name, self.world.login(self.world.user(**LONG_LIVED)))

    def cold_start(self) -> None:
        """One environment of each kind goes, another takes its place."""
        issuer, authorizer = self.chance.randrange(ISSUERS), self.chance.randrange(AUTHORIZERS)
        self.issuers[issuer].database.close()
        self.authorizers[authorizer].database.close()
        self.issuers[issuer], self.authorizers[authorizer] = self._environment(), self._environment()
        self.issuing[issuer] = wiring.issuing(self.issuers[issuer])
        self.authorizing[authorizer] = wiring.authorizing(self.authorizers[authorizer])

    def refresh(self, name: str) -> None:
        issuer = self.chance.choice(self.issuing)
        try:
            self._note(name, refresh(RefreshRequest(self.sessions[name]), CALLER, issuer))
        except TokenServiceError:
            self.figures["refreshes refused"] += 1

    def show_all(self) -> None:
        """Every living token to every verifier."""
        now, max_age_s = self.world.clock.now, self.world.settings.jwks_max_age_s
        self.living = [issued for issued in self.living if now < issued.exp]
        for issued in self.living:
            for deps in self.authorizing:
                self._judge(issued, _validates(issued, deps), max_age_s)
            self._judge(issued, self.reader.accepts(issued), 2 * max_age_s)

    def took(self, steps: Iterable[Step]) -> None:
        now = self.world.clock.now
        for step in steps:
            self.figures["key steps"] += 1
            if isinstance(step, Advance) and step.after is KeyState.GONE:
                self.gone_at[step.kid] = now

    def _judge(self, issued: Issued, is_accepted: bool, delay_s: int) -> None:
        self.figures["verifications"] += 1
        if not is_accepted:
            self.figures["refused wrongly"] += issued.kid not in self.withdrawn
            self.figures["refused as withdrawn"] += issued.kid in self.withdrawn
        elif issued.kid in self.gone_at and self.world.clock.now >= self.gone_at[issued.kid] + delay_s:
            self.figures["verified with a gone key"] += 1

    def _note(self, name: str, answer: TokenAnswer) -> None:
        self.sessions[name] = answer.token
        token = answer.access_token or ""
        kid = kid_of(token)
        self.kids.add(kid)
        self.living.append(Issued(token, kid, self.world.clock.now + answer.expires_in))
        self.figures["tokens issued"] += 1

    def _environment(self) -> wiring.Container:
        environment = self.world.environment()
        self.kms.append(watched(environment))
        return environment


def _validates(issued: Issued, deps: ValidateDeps) -> bool:
    try:
        return bool(validate(Credential(Transport.BEARER, issued.token), deps))
    except InvalidAccessToken:
        return False


# After a run that did something: both sides of every cache's age and of the longest access token.
EDGES_S = (1, 29, 31, 299, 301, 599, 601, 659, 661, 3599, 3601, 3691, 40_000)
QUIET_S = (40_000,)
SILENCE = range(150, 183)
WITHDRAWAL_DAY = 200


@pytest.mark.slow
def test_a_year_of_daily_rotations(fresh_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = fresh_world
    traffic = Traffic(world)
    start = world.clock.now
    for name in ("daily", "weekly", "every 97 days"):
        traffic.sign_in(name)

    for day in range(365):
        world.clock.now = start + day * DAY
        steps = _run_of_the_day(day, traffic, monkeypatch)
        if day == WITHDRAWAL_DAY:
            traffic.refresh("daily")
            traffic.withdrawn.add(traffic.living[-1].kid)
            steps += withdraw_signing_key(traffic.living[-1].kid, traffic.rotating[0])
        traffic.took(steps)
        for offset in EDGES_S if steps else QUIET_S:
            world.clock.now = start + day * DAY + offset
            traffic.refresh("daily")
            traffic.show_all()
        if day % 7 == 3:
            traffic.refresh("weekly")
            traffic.cold_start()
        if day % 97 == 96:
            traffic.refresh("every 97 days")
        traffic.show_all()

    _report("a year", traffic)
    assert traffic.figures["refreshes refused"] == 0
    assert traffic.figures["refused wrongly"] == 0
    assert traffic.figures["verified with a gone key"] == 0
    assert traffic.figures["refused as withdrawn"] > 0
    assert len(traffic.kids) >= 12
    [owner] = world.sql("SELECT user_id FROM auth_user_tokens WHERE type = 'refresh' ORDER BY id LIMIT 1")
    [view] = list_sessions(owner["user_id"], 10, None, world.sessions).sessions
    assert view.metadata.address == CALLER.address
    assert "DecryptFailed" not in world.telemetry.counts
    epochs = {
        row["key_epoch"] for row in world.sql("SELECT key_epoch FROM auth_user_tokens WHERE type = 'refresh'")
    }
    assert min(epochs) >= 4


def _run_of_the_day(day: int, traffic: Traffic, monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Daily, but for a month of silence; at times twice at once, at times dying after its first step."""
    if day in SILENCE:
        return []
    if day % 30 == 0:
        with monkeypatch.context() as death:
            death.setattr("auth_tokens.adapters.key_register.MySqlKeyRegister.advance", _once_then_dies())
            try:
                return rotate_keys(traffic.rotating[0])
            except Unavailable:
                traffic.figures["runs that died"] += 1
    steps = rotate_keys(traffic.rotating[0])
    return steps + (rotate_keys(traffic.rotating[1]) if day % 5 == 0 else [])


def _once_then_dies() -> object:
    advance = KeyTable.advance
    calls: list[str] = []

    def once(keys: object, step: Advance, now: int) -> bool:
        calls.append(step.kid)
        if len(calls) > 1:
            raise Unavailable("the function's time was up")
        return advance(keys._table, step.kid, step.before, step.after, now)  # type: ignore[attr-defined]

    return once


# The waits of the schedules, and of those too short by a cache: the same traffic must notice.
NO_WAIT = {"publish_wait_s": 0}
NO_RETIREMENT = {"retire_wait_s": 0}
NOT_TWICE_CACHED = {"publish_wait_s": 120}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shortened", "is_noticed"),
    [({}, False), (NO_WAIT, True), (NOT_TWICE_CACHED, True), (NO_RETIREMENT, True)],
    ids=[
        "as they are",
        "no wait before signing",
        "a wait shorter than the caches",
        "no wait before it is gone",
    ],
)
def test_keys_that_walk_as_fast_as_the_waits_allow(
    fresh_world: World, shortened: dict[str, int], is_noticed: bool
) -> None:
    world = fresh_world
    traffic = Traffic(world)
    traffic.sign_in("one")
    walk = replace(wiring.rotating(world.shared).schedules[Purpose.SIGNING], use_for_s=0, **shortened)
    usual = traffic.rotating[0]
    hasty = replace(usual, schedules={**usual.schedules, Purpose.SIGNING: walk})
    start = world.clock.now

    for minute in range(130):
        world.clock.now = start + minute * 60
        traffic.took(rotate_keys(hasty))
        traffic.refresh("one")
        world.clock.now += 7 + minute % 50
        traffic.show_all()

    _report(f"two hours, {shortened or 'the waits as they are'}", traffic)
    assert traffic.figures["refreshes refused"] == 0
    assert (traffic.figures["refused wrongly"] > 0) == is_noticed
    assert traffic.figures["verified with a gone key"] == 0
    assert len(traffic.kids) >= 10


def _report(what: str, traffic: Traffic) -> None:
    figures = {
        **traffic.figures,
        "signing keys": len(traffic.kids),
        "refused wrongly": traffic.figures["refused wrongly"],
        "verified with a gone key": traffic.figures["verified with a gone key"],
        "environments": len(traffic.kms),
        "KMS calls of these": sum(len(kms.calls) for kms in traffic.kms),
    }
    print(f"\n{what}: " + ", ".join(f"{count} {name}" for name, count in figures.items()))
