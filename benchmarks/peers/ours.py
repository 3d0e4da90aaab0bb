"""This service's side of the comparison: functions with API events, library calls, and the floors beneath them."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Callable

import jwt

from auth_tokens.settings import Settings
from benchmarks import bench
from benchmarks.peers.ways import Way, here
from benchmarks.refresh.__main__ import Floors, Function, Functions, Service

FUNCTION, LIBRARY = "**ours, function with an API event**", "ours, library call"
SEEN_FIRST, SEEN_BEFORE = "ours, token seen first", "ours, token seen before"
SESSIONS = 200
READ_SESSION = "SELECT user_id, generation, expires_at FROM floor_sessions WHERE id = %s"


class Ours:
    """The ways of each operation, floor first; access tokens are issued when its turn comes, as they live 10 min."""

    def __init__(self, settings: Settings) -> None:
        self._floors, self._service, self._functions = (
            Floors(settings),
            Service(settings),
            Functions(settings),
        )
        self._own_route = Function("sessions", "session")
        self._users = itertools.cycle([f"user-{number}" for number in range(1, bench.USERS + 1)])

    def issue(self) -> dict[str, Way]:
        return {
            "floor: INSERT, signature": here(self._floors.issue_1_trip),
            FUNCTION: here(self._functions.issue),
            LIBRARY: here(self._service.issue),
        }

    def refresh(self) -> dict[str, Way]:
        return {
            "floor: UPDATE, signature": here(self._floors.refresh_1_trip),
            FUNCTION: here(self._functions.refresh),
            LIBRARY: here(self._service.refresh),
        }

    def validate(self) -> dict[str, Way]:
        return {
            "floor: verification, SELECT": here(Verification(self._floors).and_select),
            FUNCTION: here(self._session()),
        }

    def authorize(self, calls: int) -> dict[str, Way]:
        """calls: how often at most, as a token is seen first but once."""
        return {
            "floor: verification": here(Verification(self._floors).alone),
            SEEN_FIRST: here(self._authorizer(calls)),
            SEEN_BEFORE: here(self._authorizer(SESSIONS, warm=True)),
        }

    def _session(self) -> Callable[[], object]:
        tokens = self._access_tokens(SESSIONS)

        def call() -> None:
            tokens.rotate(-1)
            self._own_route.call(headers={"authorization": f"Bearer {tokens[0]}"})

        return call

    def _authorizer(self, count: int, *, warm: bool = False) -> Callable[[], object]:
        """An authorizer with a memory of its own, whose tokens come round in turn."""
        authorizer, tokens = Function("authorizer", "rest_token"), self._access_tokens(count)

        def call() -> None:
            tokens.rotate(-1)
            policy = authorizer.handle(authorizationToken=f"Bearer {tokens[0]}")
            assert policy["policyDocument"]["Statement"][0]["Effect"] == "Allow", policy

        for _ in range(count if warm else 0):
            call()
        return call

    def _access_tokens(self, count: int) -> deque[str]:
        bodies = (json.dumps({"user_id": next(self._users), "amr": ["pwd"]}) for _ in range(count))
        return deque(self._functions.issuing.call(body=body)["access_token"] for body in bodies)


class Verification:
    """PyJWT's, of one token, with the checks that a good one needs; and one SELECT of a session by its id."""

    def __init__(self, floors: Floors) -> None:
        self._connection, self._session = floors.single, floors._session
        self._key, self._token = floors._key.public_key(), floors._sign()

    def alone(self) -> None:
        jwt.decode(
            self._token,
            self._key,
            algorithms=["ES256"],
            audience="portal",
            issuer="https://tokens.example.com",
            options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
        )

    def and_select(self) -> None:
        self.alone()
        with self._connection.cursor() as cursor:
            assert cursor.execute(READ_SESSION, (self._session,)) == 1
            cursor.fetchall()
