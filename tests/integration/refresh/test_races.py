"""Refresh against everything that ends a session: once the other has answered, no refresh leaves a living token.

Two real connections and a barrier, fifty rounds each. Device tokens: devices/test_exchange_races.py.
"""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant
from auth_tokens.domain.events import RevokeReason
from auth_tokens.usecases.cleanup import cleanup
from auth_tokens.usecases.end_session import end_session
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.rotate_keys import rotate_keys
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.world import CALLER, World

ROUNDS = 50
# A deadlock fails the test instead of holding it up for ever.
LIMIT_S = 60

Ending = Callable[[World, wiring.Container, str, TokenAnswer], object]


def _revoke(world: World, parts: wiring.Container, name: str, answer: TokenAnswer) -> object:
    return revoke_token(answer.token, None, CALLER, wiring.sessions(parts))


def _end(world: World, parts: wiring.Container, name: str, answer: TokenAnswer) -> object:
    return end_session(answer.session_id, world.user_id(name), CALLER, wiring.sessions(parts))


def _logout_everywhere(world: World, parts: wiring.Container, name: str, answer: TokenAnswer) -> object:
    deps = wiring.sessions(parts)
    claims = parts.verifier.verify(answer.access_token or "", world.clock())
    return logout(LogoutScope.ALL, claims, CALLER, deps)


def _evict(world: World, parts: wiring.Container, name: str, answer: TokenAnswer) -> object:
    return issue(IssueRequest(world.user_id(name), ("mfa",)), CALLER, wiring.issuing(parts))


def _disable(world: World, parts: wiring.Container, name: str, answer: TokenAnswer) -> object:
    world.disable(name)
    return revoke_user(world.user_id(name), RevokeReason.USER_DISABLED, "", wiring.sessions(parts))


def _disable_without_a_word(world: World, parts: wiring.Container, name: str, answer: TokenAnswer) -> object:
    return world.disable(name)


ENDINGS = {
    "revocation": _revoke,
    "end of one session": _end,
    "logout everywhere": _logout_everywhere,
    "eviction": _evict,
    "disable with its event": _disable,
    "disable without an event": _disable_without_a_word,
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_no_refresh_survives_what_ended_its_session(world: World, ending: Ending) -> None:
    refreshing = wiring.issuing(world.environment())
    other = world.environment()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            name = world.user(max_sessions=1)
            user_id = world.user_id(name)
            answer = issue(IssueRequest(user_id, ("mfa",)), CALLER, world.issuing)
            barrier = Barrier(2, timeout=LIMIT_S)

            def race(answer: TokenAnswer = answer, barrier: Barrier = barrier) -> TokenAnswer | None:
                barrier.wait()
                try:
                    return refresh(RefreshRequest(answer.token), CALLER, refreshing)
                except InvalidGrant:
                    return None

            def end(name: str = name, answer: TokenAnswer = answer, barrier: Barrier = barrier) -> object:
                barrier.wait()
                return ending(world, other, name, answer)

            racing, ended = pool.submit(race), pool.submit(end)
            ended.result(LIMIT_S)
            refreshed = racing.result(LIMIT_S)
            for token in {answer.token, refreshed.token if refreshed else answer.token}:
                with pytest.raises(InvalidGrant):
                    world.refresh(token)
            if refreshed is not None:
                with pytest.raises(InvalidAccessToken):
                    validate(
                        Credential(Transport.BEARER, refreshed.access_token or ""), world.sessions.validation
                    )


def test_refreshing_beside_cleanup_and_key_rotation_loses_nobody(world: World) -> None:
    refreshing = wiring.issuing(world.environment())
    cleaning = wiring.cleaning(world.environment())
    rotating = wiring.rotating(world.environment())
    with ThreadPoolExecutor(3) as pool:
        for _ in range(ROUNDS):
            answer = issue(IssueRequest(world.user_id(world.user()), ("mfa",)), CALLER, world.issuing)
            barrier = Barrier(3, timeout=LIMIT_S)

            def race(answer: TokenAnswer = answer, barrier: Barrier = barrier) -> TokenAnswer:
                barrier.wait()
                return refresh(RefreshRequest(answer.token), CALLER, refreshing)

            def clean(barrier: Barrier = barrier) -> object:
                barrier.wait()
                return cleanup(lambda: 60_000, cleaning)

            def rotate(barrier: Barrier = barrier) -> object:
                barrier.wait()
                return rotate_keys(rotating)

            racing, cleaned, rotated = pool.submit(race), pool.submit(clean), pool.submit(rotate)
            refreshed = racing.result(LIMIT_S)
            cleaned.result(LIMIT_S)
            rotated.result(LIMIT_S)
            assert validate(
                Credential(Transport.BEARER, refreshed.access_token or ""), world.sessions.validation
            )
            world.clock.now += 86_400 // 2


def test_no_refresh_survives_a_cleanup_that_saw_its_session_ended(world: World) -> None:
    """The cleanup's clock is ahead by more than the retention: what it deletes is gone for a refresh, too."""
    refreshing = wiring.issuing(world.environment())
    ahead = wiring.Container(
        world.telemetry, world.settings, clock=lambda: world.clock() + world.settings.cleanup_retention_s + 62
    )
    cleaning = wiring.cleaning(ahead)
    deleted = 0
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            name = world.user(refresh_idle_ttl_s=60, refresh_absolute_ttl_s=60)
            answer = issue(IssueRequest(world.user_id(name), ("mfa",)), CALLER, world.issuing)
            barrier = Barrier(2, timeout=LIMIT_S)

            def race(answer: TokenAnswer = answer, barrier: Barrier = barrier) -> TokenAnswer | None:
                barrier.wait()
                try:
                    return refresh(RefreshRequest(answer.token), CALLER, refreshing)
                except InvalidGrant:
                    return None

            def clean(barrier: Barrier = barrier) -> object:
                barrier.wait()
                return cleanup(lambda: 60_000, cleaning)

            racing, cleaned = pool.submit(race), pool.submit(clean)
            cleaned.result(LIMIT_S)
            refreshed = racing.result(LIMIT_S)
            cleanup(lambda: 60_000, cleaning)  # a row that the refresh held is the next run's
            deleted += not world.sql(
                "SELECT id FROM auth_user_tokens WHERE id = %s", uuid.UUID(answer.session_id).bytes
            )
            for token in {answer.token, refreshed.token if refreshed else answer.token}:
                with pytest.raises(InvalidGrant):
                    world.refresh(token)
    assert deleted == ROUNDS
