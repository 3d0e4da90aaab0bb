"""What a validation costs: a token seen before, one seen first beside PyJWT's own verification of it, and a cold start.

Run: make bench-validate

CPU time, so that other work on the machine disturbs little: medians of interleaved rounds; ratios are of the same
run. A cold start is that of the packaged function, with the template's variables, under the deployed Python, without
the start of Python itself. Exits 1 where a goal is missed.
"""

import resource
import statistics
import subprocess
import time
from collections.abc import Callable

import jwt

from auth_tokens.adapters.access_jwt.algorithms import key_from
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.usecases.validate import validate
from auth_tokens.web.authorizer import AuthorizerOptions, authorize
from local.package import LAYER, RUNTIME
from local.packaged import ARTIFACTS
from tests.architecture.deployment import starting
from tests.security.kit import ARN, AUDIENCE, ISSUER, Kit, forged, good_claims
from tests.support.world import START

ROUNDS = 30
MAX_HIT_US = 10
MAX_FIRST_SEEN_RATIO = 1.15
MAX_IMPORT_RATIO = 1.2

THREE_LIBRARIES = "import jwt, pymysql; from cryptography.hazmat.primitives.asymmetric import ec"


def main() -> int:
    goals = [*_calls(), *_imports()]
    for name, figure, unit, goal in goals:
        verdict = "" if goal is None else f"   goal <= {goal}: {'ok' if figure <= goal else 'MISSED'}"
        print(f"{name:58} {figure:8.2f} {unit}{verdict}")
    return int(any(goal is not None and figure > goal for _, figure, _, goal in goals))


Goal = tuple[str, float, str, float | None]


def _calls() -> list[Goal]:
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

    def whole_event() -> None:
        authorize(
            event,
            lambda one: validate(one, kit.authorizing),
            AuthorizerOptions(simple_response=True),
            kit.telemetry,
        )
        kit.telemetry.lines.clear()

    hit_us, first_us, peer_us, event_us = _interleaved(
        [(hit, 1000), (first_seen, 50), (peer, 50), (whole_event, 500)]
    )
    return [
        ("token seen before: look-up, feed, clock", hit_us, "us", MAX_HIT_US),
        ("the same with its event and policy", event_us, "us", None),
        ("token seen first", first_us, "us", None),
        ("PyJWT's own verification of it", peer_us, "us", None),
        ("token seen first : PyJWT", first_us / peer_us, "", MAX_FIRST_SEEN_RATIO),
    ]


def _interleaved(calls: list[tuple[Callable[[], None], int]]) -> list[float]:
    """Median microseconds of each call, (call, repetitions a round)."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for (call, repetitions), taken in zip(calls, times, strict=True):
            started = time.process_time()
            for _ in range(repetitions):
                call()
            taken.append((time.process_time() - started) / repetitions * 1e6)
    return [statistics.median(taken) for taken in times]


def _imports() -> list[Goal]:
    ours_ms, theirs_ms = _import_times(["import app", THREE_LIBRARIES])
    return [
        ("import of the authorizer, packaged", ours_ms, "ms", None),
        ("import of jwt, cryptography (EC), pymysql alone", theirs_ms, "ms", None),
        ("import of the authorizer : of its libraries", ours_ms / theirs_ms, "", MAX_IMPORT_RATIO),
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
