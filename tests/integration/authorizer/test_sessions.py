"""Browser sessions at the authorizer, on a real database: what a cookie costs, and what is known when."""

import pytest

from auth_tokens.adapters.session_cache import MAX_AGE_S
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, Unavailable
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.validate import ValidateDeps, validate
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support import wiring
from tests.support.world import CALLER, World


@pytest.fixture
def environment(world: World) -> wiring.Container:
    return world.environment()


@pytest.fixture
def deps(environment: wiring.Container) -> ValidateDeps:
    return wiring.authorizing(environment)


def signed_in(world: World, name: str | None = None) -> str:
    return world.login(name or world.user(), kind=TokenKind.SESSION).token


def allowed(deps: ValidateDeps, cookie: str) -> bool:
    try:
        validate(Credential(Transport.COOKIE, cookie), deps)
    except InvalidAccessToken:
        return False
    return True


def test_a_hundred_requests_with_a_cookie_cost_its_row_once(
    world: World, environment: wiring.Container, deps: ValidateDeps
) -> None:
    cookie = signed_in(world)
    allowed(deps, signed_in(world))  # reads the keys and the feed

    spent = cost(world, lambda: [allowed(deps, cookie) for _ in range(100)], environment)

    assert spent == {**NOTHING, "Com_select": 1}


def test_a_use_is_noted_once_a_minute_by_however_many_environments(world: World) -> None:
    answer = world.login(world.user(), kind=TokenKind.SESSION)
    cookie = answer.token
    fleet = [wiring.authorizing(world.environment()) for _ in range(3)]
    for deps in fleet:
        assert allowed(deps, cookie)
    noted = set()

    for _ in range(13):
        world.clock.now += 10
        for deps in fleet:
            assert allowed(deps, cookie)
        noted.add(world.row(answer.session_id)["last_used_at"])

    assert len(noted) == 3  # at sign-in, after 60 s and after 120 s


@pytest.mark.parametrize("how", ["its token", "its user"])
def test_a_revoked_session_is_refused_within_the_stated_delay(
    world: World, deps: ValidateDeps, how: str
) -> None:
    name = world.user()
    cookie = signed_in(world, name)
    assert allowed(deps, cookie)

    if how == "its token":
        revoke_token(cookie, None, CALLER, world.sessions)
    else:
        revoke_user(world.user_id(name), RevokeReason.ADMIN, "", world.sessions)
    world.clock.now += world.settings.revocation_max_staleness_s

    assert not allowed(deps, cookie)


def test_a_user_whom_only_the_portal_s_table_disables_is_refused_within_the_row_s_age(
    world: World, deps: ValidateDeps
) -> None:
    name = world.user()
    cookie = signed_in(world, name)
    assert allowed(deps, cookie)
    world.disable(name)

    world.clock.now += MAX_AGE_S

    assert not allowed(deps, cookie)


def test_after_a_rotation_the_new_cookie_is_good_at_once_and_the_old_one_not_for_long(
    world: World, deps: ValidateDeps
) -> None:
    old = signed_in(world)
    assert allowed(deps, old)
    new = world.refresh(old, kind=TokenKind.SESSION).token

    assert allowed(deps, new)
    assert allowed(deps, old)
    world.clock.now += world.settings.retry_window_s
    assert not allowed(deps, old)
    assert allowed(deps, new)


def test_an_environment_that_saw_no_rotation_takes_the_old_cookie_for_the_row_s_age_at_the_most(
    world: World, deps: ValidateDeps
) -> None:
    old = signed_in(world)
    assert allowed(deps, old)
    world.refresh(old, kind=TokenKind.SESSION)

    world.clock.now += MAX_AGE_S

    assert not allowed(deps, old)


def test_an_idle_session_ends_and_a_used_one_goes_on(world: World, deps: ValidateDeps) -> None:
    used, idle = signed_in(world), signed_in(world)
    ttl_s = world.settings.session_idle_ttl_s
    assert allowed(deps, used)
    assert allowed(deps, idle)

    world.clock.now += ttl_s - 1
    assert allowed(deps, used)
    world.clock.now += 1

    assert allowed(deps, used)
    assert not allowed(deps, idle)


def test_with_the_database_away_a_known_cookie_passes_for_a_while_and_then_nobody_s(
    world: World, environment: wiring.Container, deps: ValidateDeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("away")

    cookie = signed_in(world)
    assert allowed(deps, cookie)
    monkeypatch.setattr(environment.database, "query", away)
    monkeypatch.setattr(environment.database, "execute", away)

    world.clock.now += world.settings.revocation_fail_after_s - 1
    assert allowed(deps, cookie)
    world.clock.now += 1
    with pytest.raises(Unavailable):
        allowed(deps, cookie)
