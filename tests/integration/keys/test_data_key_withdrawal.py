"""A data key that leaked: one call, and what it protected is refused or counts as empty; nothing else is lost."""

import pytest

from auth_tokens.adapters.session_cache import MAX_AGE_S
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant, InvalidRequest, Unavailable
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import INACTIVE, introspect
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.rotate_keys import rotate_keys, withdraw_data_key
from auth_tokens.usecases.validate import ValidateDeps, validate
from tests.support import wiring
from tests.support.world import CALLER, World

CHAIN, METADATA = "token-chain.1", "metadata.1"
BACKEND = Caller("192.0.2.50", "backend", principal="AROABACKEND")


def withdraw(world: World, kid: str) -> None:
    """In an environment of its own, as rotate_keys is one."""
    withdraw_data_key(kid, wiring.rotating(world.environment()))


def is_let_in(cookie: str, deps: ValidateDeps) -> bool:
    try:
        return bool(validate(Credential(Transport.COOKIE, cookie), deps))
    except InvalidAccessToken:
        return False


def states(world: World, purpose: str) -> list[str]:
    rows = world.sql(
        "SELECT state, wrapped_key FROM auth_token_keys WHERE purpose = %s ORDER BY epoch", purpose
    )
    assert all((row["state"] == "gone") == (row["wrapped_key"] is None) for row in rows)
    return [row["state"] for row in rows]


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
@pytest.mark.parametrize("is_warm", [True, False], ids=["warm", "cold"])
def test_a_token_of_the_withdrawn_epoch_is_refused_at_once_and_its_holder_signs_in_again(
    fresh_world: World, kind: TokenKind, is_warm: bool
) -> None:
    world = fresh_world
    name = world.user()
    answer = world.login(name, kind=kind)

    withdraw(world, CHAIN)

    deps = world.issuing if is_warm else wiring.issuing(world.environment())
    with pytest.raises(InvalidGrant):
        refresh(RefreshRequest(answer.token, kind), CALLER, deps)
    assert world.events(name).count("token_reuse_detected") == 0
    again = world.login(name, kind=kind)
    assert world.issuing.codec.parse(again.token, kind).epoch == 2
    assert world.refresh(again.token, kind=kind).session_id == again.session_id


def test_a_remembered_device_of_the_epoch_asks_for_a_password_again(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user(), device=DeviceRequest(remember=True))

    withdraw(world, CHAIN)

    with pytest.raises(InvalidGrant):
        exchange_device_token(ExchangeRequest(answer.device_token or ""), CALLER, world.issuing)


def test_a_browser_session_of_the_epoch_ends_at_once_here_and_within_its_row_s_age_at_authorizers(
    fresh_world: World,
) -> None:
    world = fresh_world
    cookie = world.login(world.user(), kind=TokenKind.SESSION).token
    authorizing = wiring.authorizing(world.environment())
    assert is_let_in(cookie, authorizing)
    assert is_let_in(cookie, world.sessions.validation)
    assert introspect(cookie, world.sessions)["active"]

    withdraw(world, CHAIN)

    assert not is_let_in(cookie, world.sessions.validation)
    assert introspect(cookie, world.sessions) == INACTIVE
    world.clock.now += MAX_AGE_S
    assert not is_let_in(cookie, authorizing)


def test_an_access_token_of_such_a_session_lives_to_its_end(fresh_world: World) -> None:
    """Its key is another one; who fears for it too withdraws that one as well."""
    world = fresh_world
    answer = world.login(world.user())

    withdraw(world, CHAIN)

    assert validate(Credential(Transport.BEARER, answer.access_token or ""), world.sessions.validation)


def test_a_spent_token_of_an_older_epoch_gets_no_successor_of_the_withdrawn_one(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user(refresh_idle_ttl_s=30_000_000, refresh_absolute_ttl_s=30_000_000))
    world.clock.now += 90 * 86_400
    rotate_keys(wiring.rotating(world.environment()))
    successor = world.refresh(answer.token).token
    assert world.issuing.codec.parse(successor, TokenKind.REFRESH).epoch == 2

    withdraw(world, "token-chain.2")

    for token in (answer.token, successor):
        with pytest.raises(InvalidGrant):
            world.refresh(token)


def test_a_trusted_issue_is_not_repeated_with_tokens_of_the_withdrawn_epoch(fresh_world: World) -> None:
    world = fresh_world
    options = SessionOptions(device=DeviceRequest(remember=True))
    request = IssueRequest(world.user_id(world.user()), ("mfa",), options=options, retry_key="k")
    issue(request, BACKEND, world.issuing)

    withdraw(world, CHAIN)

    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        issue(request, BACKEND, world.issuing)


def test_tokens_of_other_epochs_go_on(fresh_world: World) -> None:
    world = fresh_world
    old = world.login(world.user(refresh_idle_ttl_s=30_000_000, refresh_absolute_ttl_s=30_000_000))
    world.clock.now += 90 * 86_400
    rotate_keys(wiring.rotating(world.environment()))
    young = world.login(world.user())

    withdraw(world, "token-chain.2")

    assert world.refresh(old.token).session_id == old.session_id
    with pytest.raises(InvalidGrant):
        world.refresh(young.token)


def test_pseudonyms_outlive_a_withdrawn_epoch(fresh_world: World) -> None:
    world = fresh_world
    before = world.environment().keys.pseudonym("address", "192.0.2.7")

    withdraw(world, CHAIN)

    for environment in (world.shared, world.environment()):
        assert environment.keys.pseudonym("address", "192.0.2.7") == before


def test_metadata_of_the_withdrawn_epoch_counts_as_empty_and_is_written_anew(fresh_world: World) -> None:
    world = fresh_world
    name = world.user()
    answer = world.login(name, device=DeviceRequest(name="phone"))
    [before] = list_sessions(world.user_id(name), 10, None, world.sessions).sessions
    assert (before.metadata.address, before.device_name) == (CALLER.address, "phone")

    withdraw(world, METADATA)

    [unreadable] = list_sessions(world.user_id(name), 10, None, wiring.sessions(world.environment())).sessions
    assert (unreadable.metadata.address, unreadable.device_name) == ("", "")
    assert world.refresh(answer.token).session_id == answer.session_id
    [anew] = list_sessions(world.user_id(name), 10, None, world.sessions).sessions
    assert anew.metadata.address == CALLER.address
    assert world.row(answer.session_id)["metadata"][1:3] == b"\0\2"


def test_a_warm_environment_has_forgotten_the_withdrawn_key_by_its_next_token(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user())
    assert CHAIN in world.shared.keys._held._held

    withdraw(world, CHAIN)
    with pytest.raises(InvalidGrant):
        world.refresh(answer.token)

    assert CHAIN not in world.shared.keys._held._held


@pytest.mark.parametrize("kid", [CHAIN, METADATA])
def test_the_next_epoch_is_in_use_and_another_stands_by(fresh_world: World, kid: str) -> None:
    world = fresh_world
    world.login(world.user())

    withdraw(world, kid)

    purpose = kid.split(".")[0]
    assert states(world, purpose) == ["gone", "active", "published"]
    assert world.login(world.user())


@pytest.mark.parametrize("kid", [CHAIN, METADATA])
def test_with_none_standing_by_a_new_epoch_is_made_first(fresh_world: World, kid: str) -> None:
    world = fresh_world
    world.login(world.user())
    world.sql("DELETE FROM auth_token_keys WHERE state = 'published'")

    withdraw(world, kid)

    assert states(world, kid.split(".")[0]) == ["gone", "active", "published"]
    assert world.login(world.user())


@pytest.mark.parametrize("purpose", ["token-chain", "metadata"])
def test_withdrawing_one_after_the_other_never_leaves_none(fresh_world: World, purpose: str) -> None:
    world = fresh_world
    before = world.environment().keys.pseudonym("address", "192.0.2.7")
    for epoch in range(1, 6):
        answer = world.login(world.user())
        withdraw(world, f"{purpose}.{epoch}")

    assert states(world, purpose) == ["gone"] * 5 + ["active", "published"]
    assert world.login(world.user())
    assert world.environment().keys.pseudonym("address", "192.0.2.7") == before
    if purpose == "metadata":
        assert world.refresh(answer.token)


@pytest.mark.parametrize("kid", ["token-chain.2", "metadata.2"])
def test_the_one_that_stands_by_is_replaced_and_nobody_notices(fresh_world: World, kid: str) -> None:
    world = fresh_world
    answer = world.login(world.user())

    withdraw(world, kid)

    assert states(world, kid.split(".")[0]) == ["active", "gone", "published"]
    assert world.refresh(answer.token)
    assert "DecryptFailed" not in world.telemetry.counts


@pytest.mark.parametrize("kid", [CHAIN, METADATA])
def test_withdrawing_twice_does_it_once_and_one_that_died_is_finished(
    fresh_world: World, kid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = fresh_world
    world.login(world.user())
    with monkeypatch.context() as death:
        death.setattr("auth_tokens.usecases.rotate_keys.data_key_withdrawn", _dies)
        with pytest.raises(Unavailable):
            withdraw(world, kid)
    assert states(world, kid.split(".")[0])[:2] == ["active", "active"]

    withdraw(world, kid)
    assert withdraw_data_key(kid, wiring.rotating(world.environment())) == []

    assert states(world, kid.split(".")[0])[:2] == ["gone", "active"]
    rows = world.sql("SELECT type FROM auth_token_events WHERE type = 'data_key_withdrawn'")
    assert len(rows) == 1


@pytest.mark.parametrize("kid", [CHAIN, METADATA])
def test_it_is_an_event_that_can_be_read_afterwards(fresh_world: World, kid: str) -> None:
    world = fresh_world
    world.login(world.user())

    withdraw(world, kid)

    page = wiring.listing_events(world.environment()).events.page(b"\xff" * 16, 0, None, None, 10)
    [told] = [event for event in page if event.type == "data_key_withdrawn"]
    assert told.detail == {"kid": kid}


@pytest.mark.parametrize("kid", ["token-chain.9", "unknown", "metadata", ""])
def test_what_is_no_data_key_is_not_withdrawn(world: World, kid: str) -> None:
    world.login(world.user())

    with pytest.raises(InvalidRequest):
        withdraw(world, kid)

    assert "gone" not in states(world, "token-chain") + states(world, "metadata")


def _dies(*_: object, **__: object) -> None:
    raise Unavailable("the connection, between two steps")
