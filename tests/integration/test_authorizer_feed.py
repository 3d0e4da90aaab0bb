"""The authorizer's view of revocations: no database call of its own, and a stated delay."""

import pytest

from auth_tokens import bootstrap
from auth_tokens.domain.errors import InvalidAccessToken, Unavailable
from auth_tokens.usecases.deps import ValidateDeps
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.validate import Credential, Transport, validate
from tests.support.world import CALLER, World


def allowed(deps: ValidateDeps, token: str | None) -> bool:
    try:
        validate(Credential(Transport.BEARER, token or ""), deps)
    except InvalidAccessToken:
        return False
    return True


@pytest.mark.parametrize("what", ["session", "access token"])
def test_a_revocation_is_honoured_once_the_feed_is_renewed(world: World, what: str) -> None:
    deps = bootstrap.authorizing(world.environment())
    answer = world.login(world.user())
    assert allowed(deps, answer.access_token)

    revoked = answer.token if what == "session" else answer.access_token or ""
    revoke_token(revoked, None, CALLER, world.sessions)
    world.clock.now += world.settings.revocation_max_staleness_s

    assert not allowed(deps, answer.access_token)


def test_a_revocation_is_honoured_at_once_by_an_environment_that_starts_after_it(world: World) -> None:
    answer = world.login(world.user())
    revoke_token(answer.token, None, CALLER, world.sessions)

    assert not allowed(bootstrap.authorizing(world.environment()), answer.access_token)


def test_a_revocation_that_commits_late_is_not_missed(world: World) -> None:
    deps = bootstrap.authorizing(world.environment())
    answer = world.login(world.user())
    decided_at = world.clock.now
    world.clock.now += 20
    assert allowed(deps, answer.access_token)

    world.sql(
        "UPDATE auth_user_tokens SET revoked_at = FROM_UNIXTIME(%s) WHERE id = %s",
        decided_at,
        world.row(answer.session_id)["id"],
    )
    world.clock.now += world.settings.revocation_max_staleness_s

    assert not allowed(deps, answer.access_token)


def test_an_environment_frozen_for_an_hour_asks_before_it_answers(world: World) -> None:
    deps = bootstrap.authorizing(world.environment())
    name = world.user(access_ttl_s=3600)
    early = world.login(name)
    assert allowed(deps, early.access_token)
    world.clock.now += 60
    revoke_token(early.token, None, CALLER, world.sessions)

    world.clock.now += 3500

    assert not allowed(deps, early.access_token)


def test_with_the_database_away_known_tokens_pass_for_a_while_and_then_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = world.environment()
    deps = bootstrap.authorizing(environment)
    token = world.login(world.user()).access_token
    assert allowed(deps, token)
    monkeypatch.setattr(environment.database, "query", _away)

    world.clock.now += world.settings.revocation_fail_after_s - 1
    assert allowed(deps, token)

    world.clock.now += 1
    with pytest.raises(Unavailable):
        allowed(deps, token)


def test_the_feed_sees_the_database_again_without_a_restart(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = world.environment()
    deps = bootstrap.authorizing(environment)
    token = world.login(world.user()).access_token
    assert allowed(deps, token)
    with monkeypatch.context() as outage:
        outage.setattr(environment.database, "query", _away)
        world.clock.now += world.settings.revocation_fail_after_s
        with pytest.raises(Unavailable):
            allowed(deps, token)

    world.clock.now += 1

    assert allowed(deps, token)


def _away(*_: object) -> list[dict[str, object]]:
    raise Unavailable("away")
