"""The attacks and faults that are planted, and which finding or alarm has to answer each.

An attack is about users of its own, none of whom is one of the calm people. Each is as large as its rule asks for
(auth_tokens/domain/analytics/detections.py), and no larger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from auth_tokens.domain.analytics.findings import Rule
from auth_tokens.domain.events import EventType
from auth_tokens.domain.rotation import ReuseKind
from local.client import Client, Reply
from local.traffic.population import FAR_AWAY, PLACES, TIMEOUT_S, Population, Steps, login, refresh

# RetryWindowS is at most a minute; a thief tries again as often as this until it is over.
AGAIN_S = 2.0
TRIES = 32
_DEVICE_EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:auth-user-tokens:token-type:device",
}
_ENDS = (
    EventType.SESSION_REVOKED,
    EventType.DEVICE_REVOKED,
    EventType.USER_REVOKED,
    EventType.SESSION_EVICTED,
)


class NotPlanted(Exception):
    """The service or this machine does not let this attack be made. The text says why."""


@dataclass(frozen=True)
class Spike:
    """Of a rule about everybody: it asks for `factor` times as many of these events as a usual hour has."""

    events: tuple[EventType, ...]
    factor: int


@dataclass(frozen=True)
class Attack:
    """steps: what is done, to a population of the victims alone. victims: how many at least; each makes `per_victim`
    of the events that a spike counts. rule, reuse: the finding, or the kind of the event token_reuse_detected, that
    has to answer it; both None for what leaves no trace on purpose. many_addresses: whether its client must not share
    an address with others."""

    name: str
    steps: Callable[[Population], Steps]
    victims: int = 1
    rule: Rule | None = None
    reuse: ReuseKind | None = None
    many_addresses: bool = False
    spike: Spike | None = None
    per_victim: int = 1

    @property
    def expected(self) -> str:
        """The rule of the finding or the kind of the alarm; empty for neither."""
        answer = self.rule or self.reuse
        return answer.value if answer else ""


def stuffing(population: Population) -> Steps:
    """One network tries the passwords of a leak on many accounts, most of which exist nowhere. One password fits."""
    client = population.client(FAR_AWAY)
    leaked = [f"leaked{number}-{population.usernames[0]}" for number in range(12)]
    for name in (*leaked, *population.usernames):
        population.note("sign in", login(client, name, "123456"))
        yield 0
    population.note("sign in", login(client, population.usernames[0]))


def slow_stuffing(population: Population) -> Steps:
    """Many networks try few accounts each, once: low and slow."""
    clients = [population.anywhere() for _ in range(24)]
    for number, name in enumerate(population.usernames):
        reply = login(clients[number % len(clients)], name, "123456")
        population.note("sign in", reply)
        yield 0


def guessing(population: Population) -> Steps:
    """Many networks guess the password of one account, and one of them finds it."""
    [victim] = population.usernames
    for number in range(12):
        reply = login(population.anywhere(), victim, f"guess {number}")
        population.note("sign in", reply)
        yield 0
    population.note("sign in", login(population.anywhere(), victim))


def thief(population: Population) -> Steps:
    """Copies a refresh token, and shows it when its owner has refreshed the session three times."""
    owner = population.anywhere()
    copied = tokens = _entered(login(owner, population.usernames[0]))["refresh_token"]
    for _ in range(3):
        yield 0
        tokens = _entered(refresh(owner, tokens))["refresh_token"]
    population.note("show an old refresh token", refresh(population.client(FAR_AWAY), copied))
    yield 0
    population.note("its owner refreshes after the theft", refresh(owner, tokens))


def hasty_thief(population: Population) -> Steps:
    """Copies a refresh token that its owner then spends, and goes on showing it until the retry window is over."""
    owner, away = population.anywhere(), population.client(FAR_AWAY)
    copied = _entered(login(owner, population.usernames[0]))["refresh_token"]
    yield 0
    newest = _entered(refresh(owner, copied))["refresh_token"]
    for _ in range(TRIES):
        yield AGAIN_S
        shown = population.note("show the token before the newest", refresh(away, copied))
        if shown.status != 200:
            break
    population.note("its owner refreshes after the theft", refresh(owner, newest))


def device_thief(population: Population) -> Steps:
    """Copies a device token, and shows it when its owner has signed in by it twice."""
    owner = population.anywhere()
    entered = _entered(login(owner, population.usernames[0], name="laptop", remember=True))
    if "device_token" not in entered:
        raise NotPlanted("this service remembers no devices (RememberDevices)")
    copied = token = entered["device_token"]
    for _ in range(2):
        yield 0
        token = _entered(_by_device(owner, token))["device_token"]
    shown = _by_device(population.client(FAR_AWAY), copied)
    population.note("show an old device token", shown)


def leak(population: Population) -> Steps:
    """Somebody has the refresh tokens of several users, and shows one after the other."""
    owner, away = population.anywhere(), population.client(FAR_AWAY)
    for name in population.usernames:
        old = _entered(login(owner, name))["refresh_token"]
        _entered(refresh(owner, _entered(refresh(owner, old))["refresh_token"]))
        population.note("show an old refresh token", refresh(away, old))
        yield 0


def traveller(population: Population) -> Steps:
    """One session is used on two continents within a minute."""
    entered = _entered(login(population.client(PLACES[0]), population.usernames[0]))
    yield 0
    away = population.client(FAR_AWAY)
    population.note("refresh", refresh(away, entered["refresh_token"]))


def collector(population: Population) -> Steps:
    """Signs in on one new device after another."""
    client = population.anywhere()
    for number in range(6):
        reply = login(client, population.usernames[0], name=f"device {number}")
        population.note("sign in", reply)
        yield 0


def loop(population: Population) -> Steps:
    """A faulty client signs in and out again and again, always on the same device."""
    client, device = population.anywhere(), {"name": "tablet"}
    for _ in range(10):
        entered = _entered(population.note("sign in", login(client, population.usernames[0], **device)))
        device = {"id": entered["device_id"]}
        client.post("/auth/logout", {}, bearer=entered["access_token"])
        yield 0


def script(population: Population) -> Steps:
    """A faulty script of the Portal starts sessions of many users, and ends everything of theirs, over and over."""
    client = Client(population.base_url, timeout_s=TIMEOUT_S)
    for _ in range(SCRIPT_ROUNDS):
        for name in population.usernames:
            user_id = population.user_ids[name]
            _entered(client.signed("POST", "/auth/issue", {"user_id": user_id, "amr": ["pwd"]}))
            ended = client.signed("POST", f"/admin/users/{user_id}/revoke", {"reason": "a faulty script"})
            population.note("end everything of a user", ended)
            yield 0


SCRIPT_ROUNDS = 4


def storm(population: Population) -> Steps:
    """A client in a loop refreshes far more often than it needs to."""
    client = population.anywhere()
    tokens = _entered(login(client, population.usernames[0]))
    for _ in range(40):
        reply = population.note("refresh", refresh(client, tokens["refresh_token"]))
        tokens = _entered(reply)
        yield 0


def forger(population: Population) -> Steps:
    """Sends made-up tokens, which are refused by their tag: no statement, no event."""
    client = population.client(FAR_AWAY)
    for _ in range(30):
        made_up = "aut_rt_" + "".join(population.chance.choices("ABCDEFabcdef0123456789-_", k=100))
        population.note("show a made-up token", refresh(client, made_up))
        yield 0


ATTACKS = (
    Attack(
        "credential stuffing from one network",
        stuffing,
        11,
        Rule.STUFFING_FROM_ONE_SOURCE,
        many_addresses=True,
    ),
    Attack(
        "credential stuffing from many networks",
        slow_stuffing,
        34,
        Rule.STUFFING_FROM_MANY_SOURCES,
        many_addresses=True,
        spike=Spike((EventType.LOGIN_FAILED,), 1),
    ),
    Attack("guessing one account", guessing, 1, Rule.GUESSING_ONE_ACCOUNT, many_addresses=True),
    Attack("thief of a refresh token", thief, reuse=ReuseKind.OLDER_GENERATION),
    Attack("thief of the token before the newest", hasty_thief, reuse=ReuseKind.RECENT_PREDECESSOR),
    Attack("thief of a device token", device_thief, reuse=ReuseKind.OLDER_GENERATION),
    Attack(
        "leak of refresh tokens",
        leak,
        5,
        Rule.REUSE_SPIKE,
        spike=Spike((EventType.TOKEN_REUSE_DETECTED,), 5),
    ),
    Attack("impossible travel", traveller, rule=Rule.FAR_APART),
    Attack("burst of new devices", collector, rule=Rule.DEVICE_BURST),
    Attack("client that signs in and out in a loop", loop, rule=Rule.REVOCATION_STORM),
    Attack(
        "script that ends everybody",
        script,
        13,
        Rule.REVOCATION_STORM,
        spike=Spike(_ENDS, 5),
        per_victim=SCRIPT_ROUNDS,
    ),
    Attack("client that refreshes in a loop", storm, rule=Rule.REFRESH_BURST),
    Attack("forger of tokens", forger),
)


def _by_device(client: Client, token: str) -> Reply:
    return client.form("/auth/token", {**_DEVICE_EXCHANGE, "subject_token": token})


def _entered(reply: Reply) -> dict[str, str]:
    """The tokens of a good answer. Raises NotPlanted: without them there is nothing to steal."""
    if reply.status != 200:
        raise NotPlanted(f"the service answered {reply.shortened(80)}")
    return dict(reply.json)
