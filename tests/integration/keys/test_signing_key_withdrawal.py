"""A signing key whose private half may be known: one call, and its tokens are refused within the stated delay."""

import importlib.util
import json
from dataclasses import asdict, replace
from types import ModuleType
from typing import Any, cast

import pytest

from auth_tokens.adapters.access_jwt.verifier import PublicKeys
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidRequest, Unavailable
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.keys import SIGNER_MAX_AGE_S
from auth_tokens.ports.events import EventLog
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import introspect
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.rotate_keys import rotate_keys, withdraw_signing_key
from auth_tokens.usecases.validate import validate
from local.host.paths import ROOT
from tests.support import wiring
from tests.support.fakes import FakeKeyTable
from tests.support.world import CALLER, PASSWORD, World, kid_of


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
    rotate_keys(wiring.rotating(world.shared))
    verifiers = [wiring.authorizing(world.environment()) for _ in range(3)]
    assert all(accepts(verifier, stolen.access_token) for verifier in verifiers)

    withdraw_signing_key(kid_of(stolen.access_token), wiring.rotating(world.environment()))

    world.clock.now += world.settings.jwks_max_age_s
    assert not any(accepts(verifier, stolen.access_token) for verifier in verifiers)
    assert not accepts(wiring.authorizing(world.environment()), stolen.access_token)
    refreshed = world.refresh(stolen.token)
    assert refreshed.session_id == stolen.session_id
    assert all(accepts(verifier, refreshed.access_token) for verifier in verifiers)


def test_every_environment_signs_by_the_next_key_at_once(fresh_world: World) -> None:
    world = fresh_world
    name = world.user()
    answer = world.login(name, device=DeviceRequest(remember=True))
    withdrawn = kid_of(answer.access_token)
    environments = [world.issuing, wiring.issuing(world.environment())]  # the second one is cold

    withdraw_signing_key(withdrawn, wiring.rotating(world.environment()))

    tokens = []
    for deps in environments:
        answer = refresh(RefreshRequest(answer.token), CALLER, deps)
        tokens += [answer, login(LoginRequest(name, PASSWORD), CALLER, deps)]
        tokens.append(issue(IssueRequest(world.user_id(name), ("mfa",)), CALLER, deps))
        answer = tokens[-1]
    published = {jwk["kid"] for jwk in world.environment().public_keys.jwks()}
    assert withdrawn not in published
    assert {kid_of(token.access_token) for token in tokens} <= published
    assert all(accepts(world.sessions.validation, token.access_token) for token in tokens[-1:])


def test_a_device_token_opens_a_session_signed_by_the_next_key_at_once(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user(), device=DeviceRequest(remember=True))

    withdraw_signing_key(kid_of(answer.access_token), wiring.rotating(world.environment()))
    opened = exchange_device_token(ExchangeRequest(answer.device_token or ""), CALLER, world.issuing)

    assert kid_of(opened.access_token) != kid_of(answer.access_token)
    assert accepts(world.sessions.validation, opened.access_token)


def test_the_services_own_routes_refuse_it_at_once_and_at_no_statement_more(fresh_world: World) -> None:
    world = fresh_world
    stolen = world.login(world.user()).access_token
    own = wiring.sessions(world.environment())
    assert accepts(own.validation, stolen)
    assert introspect(stolen or "", own)["active"]

    withdraw_signing_key(kid_of(stolen), wiring.rotating(world.environment()))

    assert not accepts(own.validation, stolen)
    assert introspect(stolen or "", own) == {"active": False}
    revoke_token(stolen or "", None, CALLER, own)
    assert world.sql("SELECT 1 FROM auth_user_tokens WHERE type = 'access'") == []


def test_where_a_key_that_leaked_names_a_session_that_is_not_there_nothing_is_revoked(
    fresh_world: World,
) -> None:
    world = fresh_world
    answer = world.login(world.user())
    claims = world.sessions.verifier.verify(answer.access_token or "", world.clock.now)
    forged = {
        **asdict(claims), "iss": world.settings.issuer, "aud": world.settings.audience,
        "sid": "0190b5f1-2bff-7d10-9b5e-abcdef012345",
    }  # fmt: skip

    revoke_token(world.issuing.signer.sign(forged), None, CALLER, world.sessions)

    assert world.sql("SELECT 1 FROM auth_user_tokens WHERE type = 'access'") == []


def test_the_key_that_stood_by_is_known_to_every_verifier_already(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user())
    rotate_keys(wiring.rotating(world.shared))
    verifier = wiring.authorizing(world.environment())
    assert accepts(verifier, answer.access_token)

    withdraw_signing_key(kid_of(answer.access_token), wiring.rotating(world.environment()))
    fresh = refresh(RefreshRequest(answer.token), CALLER, wiring.issuing(world.environment()))

    assert accepts(verifier, fresh.access_token)  # in the very same second


def test_a_signer_that_moves_on_forgets_the_key_it_had(fresh_world: World) -> None:
    world = fresh_world
    issuing = wiring.issuing(world.environment())
    first = kid_of(issuing.signer.sign({}))

    withdraw_signing_key(first, wiring.rotating(world.environment()))
    world.clock.now += SIGNER_MAX_AGE_S
    second = kid_of(issuing.signer.sign({}))

    held: Any = issuing.signer
    assert list(held._held._held) == [second] != [first]


def test_with_no_key_standing_by_a_new_one_signs_and_another_is_published(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user())
    world.sql("DELETE FROM auth_token_keys WHERE purpose = 'signing' AND state = 'published'")

    withdraw_signing_key(kid_of(answer.access_token), wiring.rotating(world.shared))

    rows = world.sql("SELECT state FROM auth_token_keys WHERE purpose = 'signing' ORDER BY epoch")
    assert [row["state"] for row in rows] == ["gone", "signing", "published"]
    assert refresh(RefreshRequest(answer.token), CALLER, wiring.issuing(world.environment()))


def test_withdrawing_every_key_one_after_the_other_never_leaves_the_service_without_one(
    fresh_world: World,
) -> None:
    """Regression: the number of a key that is gone was given again, and then no key was ever made."""
    world = fresh_world
    token = world.login(world.user()).token

    for _ in range(5):
        issuing = wiring.issuing(world.environment())
        answer = refresh(RefreshRequest(token), CALLER, issuing)
        withdraw_signing_key(kid_of(answer.access_token), wiring.rotating(world.shared))
        token = answer.token
        world.clock.now += 60

    [row] = world.sql("SELECT COUNT(*) AS n FROM auth_token_keys WHERE state = 'gone'")
    assert row["n"] == 5


def test_withdrawing_twice_does_it_once(fresh_world: World) -> None:
    world = fresh_world
    kid = kid_of(world.login(world.user()).access_token)
    first = withdraw_signing_key(kid, wiring.rotating(world.shared))

    again = withdraw_signing_key(kid, wiring.rotating(world.shared))

    assert len(first) == 3  # the next one signs, the end of one, another standby key
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
            withdraw_signing_key(kid, wiring.rotating(world.shared))
    assert state_of(world, kid) == "signing"

    withdraw_signing_key(kid, wiring.rotating(world.shared))

    assert state_of(world, kid) == "gone"


@pytest.mark.parametrize("kid", ["unknown", "token-chain.1", "metadata.1", ""])
def test_what_is_no_signing_key_is_not_withdrawn_as_one(world: World, kid: str) -> None:
    world.login(world.user())

    with pytest.raises(InvalidRequest):
        withdraw_signing_key(kid, wiring.rotating(world.shared))

    assert state_of(world, "token-chain.1") == "active"


def test_a_withdrawal_is_an_event(fresh_world: World) -> None:
    world = fresh_world
    kid = kid_of(world.login(world.user()).access_token)

    withdraw_signing_key(kid, wiring.rotating(world.shared))

    rows = world.sql("SELECT type FROM auth_token_events WHERE user_id IS NULL")
    assert {row["type"] for row in rows} == {"signing_key_withdrawn", "keys_rotated"}


def app_of(name: str, world: World, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The app of a function on a world."""
    monkeypatch.setattr("auth_tokens.bootstrap.container.load_settings", lambda: world.settings)
    monkeypatch.setattr("auth_tokens.bootstrap.powertools.powertools", lambda: world.telemetry)
    spec = importlib.util.spec_from_file_location(f"{name}_app", ROOT / f"functions/{name}/app.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def jwks_of(discovery: ModuleType) -> list[str]:
    event = {"routeKey": "GET /.well-known/jwks.json", "requestContext": {"http": {"method": "GET"}}}
    answer = discovery.handler(event, None)
    assert "max-age=" in answer["headers"]["Cache-Control"]
    return [jwk["kid"] for jwk in json.loads(answer["body"])["keys"]]


@pytest.fixture
def function(world: World, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """functions/rotate_keys on the world of this module."""
    return app_of("rotate_keys", world, monkeypatch)


def test_the_function_withdraws_by_direct_invocation(world: World, function: ModuleType) -> None:
    signing = wiring.issuing(world.environment()).signer
    kid = kid_of(signing.sign({}))

    answer = function.handler({"withdraw": kid}, None)

    assert answer["withdrawn"] == kid
    assert f"{kid} gone" in answer["steps"]
    assert world.telemetry.counts["SigningKeyWithdrawn"] == 1


@pytest.mark.parametrize("kid", [None, 7, "", "x" * 65, ["a"], {"kid": "a"}, "a\0b"])
def test_the_function_refuses_what_is_nokid_of(function: ModuleType, kid: object) -> None:
    with pytest.raises(InvalidRequest, match="withdraw"):
        function.handler({"withdraw": kid}, None)


@pytest.mark.parametrize("kid", ["token-chain.1", "metadata.1"])
def test_the_function_withdraws_a_data_key_as_well(
    fresh_world: World, kid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = fresh_world
    world.login(world.user())
    app = app_of("rotate_keys", world, monkeypatch)

    answer = app.handler({"withdraw": kid}, None)

    purpose = kid.split(".")[0]
    assert answer == {
        "withdrawn": kid,
        "steps": [f"{purpose}.2 active", f"{kid} gone", f"{purpose} 3 published"],
    }
    assert world.telemetry.counts["DataKeyWithdrawn"] == 1


@pytest.mark.parametrize("kid", ["token-chain.9", "metadata.", ".1", "signing.1", "a.b"])
def test_the_function_refuses_what_is_no_data_key(function: ModuleType, kid: str) -> None:
    with pytest.raises(InvalidRequest, match="no data key of this kid"):
        function.handler({"withdraw": kid}, None)


def test_discovery_shows_a_withdrawal_at_once(fresh_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = fresh_world
    withdrawn = kid_of(world.login(world.user()).access_token)
    discovery = app_of("discovery", world, monkeypatch)
    [first, standby] = jwks_of(discovery)
    assert first == withdrawn

    withdraw_signing_key(withdrawn, wiring.rotating(world.environment()))

    [signing, following] = jwks_of(discovery)
    assert signing == standby
    assert following not in (first, standby)
    assert kid_of(world.login(world.user()).access_token) == signing


def test_discovery_goes_on_without_the_database_and_asks_it_once_a_second(fresh_world: World) -> None:
    world = fresh_world
    world.login(world.user())
    table = FakeKeyTable(world.environment().table.all())
    keys = PublicKeys(cast(Any, table), world.clock, max_age_s=0)
    published = keys.jwks()
    table.is_down = True
    before = table.reads

    for _ in range(5):
        assert keys.jwks() == published
    world.clock.now += 1
    assert keys.jwks() == published

    assert table.reads == before + 2


def test_a_member_of_an_http_event_withdraws_nothing_and_without_a_principal_no_route_does(
    fresh_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kid = kid_of(fresh_world.login(fresh_world.user()).access_token)
    function = app_of("rotate_keys", fresh_world, monkeypatch)
    body = json.dumps({"kid": kid, "reason": "x"})
    withdrawal = {"routeKey": "POST /admin/keys/withdraw", "body": body, "requestContext": {}}

    answers = [
        function.handler({"withdraw": kid, "requestContext": {}}, None),
        function.handler({**withdrawal, "headers": {"content-type": "application/json"}}, None),
    ]

    assert [answer["statusCode"] for answer in answers] == [404, 403]
    assert kid in {key.kid for key in fresh_world.shared.table.all()}


def _dies(*_: object) -> bool:
    raise Unavailable("the connection, between two steps")


def test_with_kms_away_a_key_is_withdrawn_all_the_same_and_told_without_a_detail(fresh_world: World) -> None:
    world = fresh_world
    kid = kid_of(world.login(world.user()).access_token)
    rotate_keys(wiring.rotating(world.shared))  # a standby key is there: none has to be made
    deps = wiring.rotating(world.shared)

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
