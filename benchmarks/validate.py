"""What a validation costs: a token seen before, one seen first beside PyJWT's own verification of it, and a cold start.

Run: make bench-validate

CPU time, and the least of many rounds in turns, so that other work on the machine disturbs little; ratios are of the
same run. PyJWT's own verification, of which most is Python, tells how fast a machine's interpreter is. A cold start is
that of the packaged function, with the template's variables, under the deployed Python, without the start of Python
itself: medians. Exits 1 where a goal is missed.
"""

import io
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import jwt

from auth_tokens.adapters.access_jwt.algorithms import key_from
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.observability import NullTelemetry, StandardTelemetry, Telemetry
from auth_tokens.usecases.validate import validate
from auth_tokens.web.authorizer import AuthorizerOptions, authorize
from benchmarks import bench
from local.package import LAYER, RUNTIME
from local.packaged import ARTIFACTS
from tests.architecture.deployment import starting
from tests.security.kit import ARN, AUDIENCE, ISSUER, Kit, forged, good_claims
from tests.support.world import START

ROUNDS = 30
MAX_HIT_US = 10
MAX_EVENT_US = 12
MAX_LOGGED_US = 20
MAX_FIRST_SEEN_RATIO = 1.15
MAX_IMPORT_RATIO = 1.2

THREE_LIBRARIES = "import jwt, pymysql; from cryptography.hazmat.primitives.asymmetric import ec"


def main() -> int:
    figures = [*_calls(), *_imports()]
    rows = [(each.what, each.text, each.of_pyjwt, each.goal or "") for each in figures]
    print(bench.table(("what", "", "of PyJWT's own verification", "goal"), rows))
    return int(any(each.goal is not None and each.value > each.goal for each in figures))


@dataclass(frozen=True)
class Figure:
    """value: what the goal is for; text: as the table has it."""

    what: str
    value: float
    text: str
    goal: float | None = None
    of_pyjwt: str = ""


def _calls() -> list[Figure]:
    # PyJWT checks the age of tokens by its own clock, so the claims are of now.
    now = int(time.time())
    kit = Kit(max_key_age_s=3600)
    kit.clock.now = START
    kit.feed._max_staleness_s = 3600  # a fresh feed: its query is counted by tests, not timed here
    token = forged(payload=good_claims())
    today = forged(payload=good_claims(iat=now, auth_time=now, exp=now + 600))
    key = key_from(kit.table.rows[0].public_jwk)
    credential = Credential(Transport.BEARER, token)
    event = {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": ARN}

    def hit() -> None:
        validate(credential, kit.authorizing)

    def first_seen() -> None:
        kit.verifier._remembered.clear()
        validate(credential, kit.authorizing)

    def peer() -> None:
        jwt.decode(
            today,
            key,
            algorithms=["ES256"],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
        )

    telemetry = StandardTelemetry("benchmark", io.StringIO())

    def whole_event(reporter: Telemetry) -> None:
        options = AuthorizerOptions(simple_response=True)
        authorize(event, lambda one: validate(one, kit.authorizing), options, reporter)

    hit_us, event_us, logged_us, first_us, peer_us = _least(
        [
            (hit, 300),
            (lambda: whole_event(NullTelemetry()), 200),
            (lambda: whole_event(telemetry), 200),
            (first_seen, 20),
            (peer, 20),
        ]
    )

    def figure(what: str, us: float, goal: float | None) -> Figure:
        return Figure(what, us, f"{us:.1f} us", goal, f"{us / peer_us:.3f}")

    return [
        figure("token seen before: look-up, feed, clock", hit_us, MAX_HIT_US),
        figure("the same with its event and policy", event_us, MAX_EVENT_US),
        figure("the same with its log line and metrics", logged_us, MAX_LOGGED_US),
        figure("PyJWT's own verification", peer_us, None),
        Figure(
            "token seen first",
            first_us / peer_us,
            f"{first_us:.1f} us",
            MAX_FIRST_SEEN_RATIO,
            f"{first_us / peer_us:.2f}",
        ),
    ]


def _least(calls: list[tuple[Callable[[], None], int]]) -> list[float]:
    """Microseconds of each call, (call, repetitions a round)."""
    least = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for number, (call, repetitions) in enumerate(calls):
            started = time.process_time()
            for _ in range(repetitions):
                call()
            least[number] = min(least[number], (time.process_time() - started) / repetitions * 1e6)
    return least


def _imports() -> list[Figure]:
    ours_ms, theirs_ms = _import_times(["import app", THREE_LIBRARIES])
    ratio = ours_ms / theirs_ms
    return [
        Figure("import of jwt, cryptography (EC), pymysql alone", theirs_ms, f"{theirs_ms:.0f} ms"),
        Figure(
            "import of the packaged authorizer",
            ratio,
            f"{ours_ms:.0f} ms, {ratio:.2f} of the libraries'",
            MAX_IMPORT_RATIO,
        ),
    ]


def _import_times(codes: list[str]) -> list[float]:
    """Median milliseconds of a fresh process, without those of an empty one."""
    environment = starting("authorizer", ARTIFACTS / "AuthorizerFunction", ARTIFACTS / LAYER / "python")
    times: dict[str, list[float]] = {code: [] for code in ["pass", *codes]}
    for _ in range(ROUNDS):
        for code, taken in times.items():
            started = _children_s()
            subprocess.run([RUNTIME / "bin/python", "-c", code], check=True, env=environment)
            taken.append((_children_s() - started) * 1e3)
    empty, *others = (statistics.median(taken) for taken in times.values())
    return [other - empty for other in others]


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
