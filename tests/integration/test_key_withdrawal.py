"""A signing key whose private half may be known: one call, and its tokens are refused within the stated delay."""

import importlib.util
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from auth_tokens import bootstrap
from auth_tokens.domain.errors import InvalidAccessToken, InvalidRequest, Unavailable
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.keys import SIGNER_MAX_AGE_S
from auth_tokens.usecases.ports import Caller, EventLog
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.rotate_keys import rotate_keys, withdraw_signing_key
from auth_tokens.usecases.validate import Credential, Transport, validate
from local.environment import ROOT
from tests.support.world import CALLER, World, kid_of


def accepts(deps: Any, token: str | None) -> bool:
    try:
        return bool(validate(Credential(Transport.BEARER, token or ""), deps))
    except InvalidAccessToken:
        return False


def state_of(world: World, kid: str) -> str:
    [row] = world.sql("SELECT state, wrapped_key FROM auth_token_keys WHERE kid = %s", kid)
    assert row["state"] != "gone" or row["wrapped_key"] is None
    return str(row["state"])


def test_one_call_ends_a_key_and_users_refresh_without_signing_in(fresh_world: World) -> None:
    world = fresh_world
    stolen = world.login(world.user(access_ttl_s=3600))
    rotate_keys(bootstrap.rotating(world.shared))
    verifiers = [bootstrap.authorizing(world.environment()) for _ in range(3)]
    assert all(accepts(verifier, stolen.access_token) for verifier in verifiers)

    withdraw_signing_key(kid_of(stolen.access_token), bootstrap.rotating(world.environment()))

    world.clock.now += world.settings.jwks_max_age_s
    assert not any(accepts(verifier, stolen.access_token) for verifier in verifiers)
    assert not accepts(bootstrap.authorizing(world.environment()), stolen.access_token)
    refreshed = world.refresh(stolen.token)
    assert refreshed.session_id == stolen.session_id
    assert all(accepts(verifier, refreshed.access_token) for verifier in verifiers)


def test_a_new_environment_signs_by_the_next_key_at_once_and_a_warm_one_within_its_cache(
    fresh_world: World,
) -> None:
    world = fresh_world
    answer = world.login(world.user())
    rotate_keys(bootstrap.rotating(world.shared))
    withdrawn = kid_of(answer.access_token)

    withdraw_signing_key(withdrawn, bootstrap.rotating(world.environment()))

    cold = bootstrap.issuing(world.environment())
    answer = refresh(RefreshRequest(answer.token), CALLER, cold)
    assert kid_of(answer.access_token) != withdrawn
    world.clock.now += SIGNER_MAX_AGE_S
    assert kid_of(world.refresh(answer.token).access_token) == kid_of(answer.access_token)


def test_the_key_that_stood_by_is_known_to_every_verifier_already(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user())
    rotate_keys(bootstrap.rotating(world.shared))
    verifier = bootstrap.authorizing(world.environment())
    assert accepts(verifier, answer.access_token)

    withdraw_signing_key(kid_of(answer.access_token), bootstrap.rotating(world.environment()))
    fresh = refresh(RefreshRequest(answer.token), CALLER, bootstrap.issuing(world.environment()))

    assert accepts(verifier, fresh.access_token)  # in the very same second


def test_a_signer_that_moves_on_forgets_the_key_it_had(fresh_world: World) -> None:
    world = fresh_world
    issuing = bootstrap.issuing(world.environment())
    first = kid_of(issuing.signer.sign({}))

    withdraw_signing_key(first, bootstrap.rotating(world.environment()))
    world.clock.now += SIGNER_MAX_AGE_S
    second = kid_of(issuing.signer.sign({}))

    held: Any = issuing.signer
    assert list(held._held._held) == [second] != [first]


def test_with_no_key_standing_by_a_new_one_signs_and_another_is_published(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user())

    withdraw_signing_key(kid_of(answer.access_token), bootstrap.rotating(world.shared))

    rows = world.sql("SELECT state FROM auth_token_keys WHERE purpose = 'signing' ORDER BY epoch")
    assert [row["state"] for row in rows] == ["gone", "signing", "published"]
    assert refresh(RefreshRequest(answer.token), CALLER, bootstrap.issuing(world.environment()))


def test_withdrawing_every_key_one_after_the_other_never_leaves_the_service_without_one(
    fresh_world: World,
) -> None:
    """Regression: the number of a key that is gone was given again, and then no key was ever made."""
    world = fresh_world
    token = world.login(world.user()).token

    for _ in range(5):
        issuing = bootstrap.issuing(world.environment())
        answer = refresh(RefreshRequest(token), CALLER, issuing)
        withdraw_signing_key(kid_of(answer.access_token), bootstrap.rotating(world.shared))
        token = answer.token
        world.clock.now += 60

    [row] = world.sql("SELECT COUNT(*) AS n FROM auth_token_keys WHERE state = 'gone'")
    assert row["n"] == 5


def test_withdrawing_twice_does_it_once(fresh_world: World) -> None:
    world = fresh_world
    kid = kid_of(world.login(world.user()).access_token)
    first = withdraw_signing_key(kid, bootstrap.rotating(world.shared))

    again = withdraw_signing_key(kid, bootstrap.rotating(world.shared))

    assert len(first) == 5  # two signing keys, the end of one; and the data keys' next epochs
    assert again == []
    assert state_of(world, kid) == "gone"


def test_a_withdrawal_that_died_half_way_is_finished_by_the_next_call(
    fresh_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = fresh_world
    kid = kid_of(world.login(world.user()).access_token)
    with monkeypatch.context() as death:
        death.setattr("auth_tokens.adapters.mysql.keys.KeyTable.advance", _dies)
        with pytest.raises(Unavailable):
            withdraw_signing_key(kid, bootstrap.rotating(world.shared))
    assert state_of(world, kid) == "signing"

    withdraw_signing_key(kid, bootstrap.rotating(world.shared))

    assert state_of(world, kid) == "gone"


@pytest.mark.parametrize("kid", ["unknown", "token-chain.1", "metadata.1", ""])
def test_what_is_no_signing_key_is_not_withdrawn(world: World, kid: str) -> None:
    world.login(world.user())

    with pytest.raises(InvalidRequest):
        withdraw_signing_key(kid, bootstrap.rotating(world.shared))

    assert state_of(world, "token-chain.1") == "active"


def test_a_withdrawal_is_an_event(fresh_world: World) -> None:
    world = fresh_world
    kid = kid_of(world.login(world.user()).access_token)

    withdraw_signing_key(kid, bootstrap.rotating(world.shared))

    rows = world.sql("SELECT type FROM auth_token_events WHERE user_id IS NULL")
    assert {row["type"] for row in rows} == {"signing_key_withdrawn", "keys_rotated"}


@pytest.fixture
def function(world: World, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """functions/rotate_keys on the world of this module."""
    monkeypatch.setattr(bootstrap, "load_settings", lambda: world.settings)
    monkeypatch.setattr(bootstrap, "powertools", lambda: world.telemetry)
    spec = importlib.util.spec_from_file_location("rotate_app", ROOT / "functions/rotate_keys/app.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_function_withdraws_by_direct_invocation(world: World, function: ModuleType) -> None:
    signing = bootstrap.issuing(world.environment()).signer
    kid = kid_of(signing.sign({}))

    answer = function.handler({"withdraw": kid}, None)

    assert answer["withdrawn"] == kid
    assert f"{kid} gone" in answer["steps"]
    assert world.telemetry.counts["SigningKeyWithdrawn"] == 1


@pytest.mark.parametrize("kid", [None, 7, "", "x" * 65, ["a"], {"kid": "a"}, "a\0b"])
def test_the_function_refuses_what_is_nokid_of(function: ModuleType, kid: object) -> None:
    with pytest.raises(InvalidRequest, match="withdraw"):
        function.handler({"withdraw": kid}, None)


def test_the_function_cannot_be_reached_through_an_api(function: ModuleType) -> None:
    with pytest.raises(ValueError, match="not reachable"):
        function.handler({"withdraw": "k", "requestContext": {}}, None)


def _dies(*_: object) -> bool:
    raise Unavailable("the connection, between two steps")


def test_with_kms_away_a_key_is_withdrawn_all_the_same_and_told_without_a_detail(fresh_world: World) -> None:
    world = fresh_world
    kid = kid_of(world.login(world.user()).access_token)
    rotate_keys(bootstrap.rotating(world.shared))  # a key stands by: none has to be made
    deps = bootstrap.rotating(world.shared)

    withdraw_signing_key(kid, replace(deps, events=_CannotSeal(deps.events)), Caller(actor="operator"))

    assert state_of(world, kid) == "gone"
    [row] = world.sql("SELECT detail FROM auth_token_events WHERE type = 'signing_key_withdrawn'")
    assert row["detail"] is None


class _CannotSeal:
    """An event log whose cipher's key cannot be had."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    def record(self, event: SecurityEvent) -> None:
        if event.detail:
            raise Unavailable("KMS")
        self._events.record(event)
