"""What each operation costs the database, by the server's own counters of the service's own connection."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from auth_tokens.adapters.mysql import portal, standing, token_table
from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.domain.acr import PASSWORD_ACR
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.dpop.nonces import Nonces
from auth_tokens.domain.dpop.presented import Place, PresentedProof
from auth_tokens.domain.ends import UserChange
from auth_tokens.domain.errors import (
    InvalidAccessToken,
    InvalidCredentials,
    InvalidGrant,
    InvalidProof,
    RateLimited,
    UnmetAuthenticationRequirements,
)
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.limits import LOGIN_PER_PAIR, STEP_UP_PER_USER
from auth_tokens.time_left import timed
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.end_session import SessionEnd, end_session
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import introspect
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke_user import end_what_began_before, revoke_user
from auth_tokens.usecases.rotate_keys import withdraw_signing_key
from auth_tokens.usecases.step_up import StepUpRequest, step_up
from auth_tokens.usecases.validate import validate
from auth_tokens.usecases.vouch import VouchRequest, vouch
from tests.support import wiring
from tests.support.portals import own_sql
from tests.support.proofs import prover
from tests.support.world import CALLER, PASSWORD, World

COUNTED = (
    "Com_select",
    "Com_insert",
    "Com_insert_select",
    "Com_update",
    "Com_delete",
    "Com_begin",
    "Com_commit",
)
NOTHING = dict.fromkeys(COUNTED, 0)


def cost(world: World, action: Callable[[], object], parts: wiring.Container | None = None) -> dict[str, int]:
    """The statements of each kind that an action sent over the connection of `parts`."""
    database = (parts or world.shared).database
    before = _status(database)
    action()
    after = _status(database)
    return {name: after[name] - before[name] for name in COUNTED}


def _status(database: Database) -> dict[str, int]:
    rows = database.query("SHOW SESSION STATUS LIKE 'Com\\_%'")
    return {row["Variable_name"]: int(row["Value"]) for row in rows}


def rows_updated(world: World, action: Callable[[], object]) -> int:
    """Row updates that the storage engine carried out for this connection."""

    def updates() -> int:
        [row] = world.database.query("SHOW SESSION STATUS LIKE 'Handler\\_update'")
        return int(row["Value"])

    before = updates()
    action()
    return updates() - before


def test_a_refresh_is_one_select_and_one_update_that_commits_itself(world: World) -> None:
    answer = world.login(world.user())

    spent = cost(world, lambda: world.refresh(answer.token))

    assert spent == {**NOTHING, "Com_select": 1, "Com_update": 1}


def test_a_bound_refresh_costs_the_same_and_another_key_one_select_and_one_event_an_hour(
    world: World,
) -> None:
    jkt, another = "j" * 42 + "A", "o" * 42 + "A"
    answer = world.login(world.user(), jkt=jkt)

    def stolen() -> None:
        with pytest.raises(InvalidGrant, match="other_key"):
            world.refresh(answer.token, jkt=another)

    assert cost(world, stolen) == {**NOTHING, "Com_select": 1, "Com_insert": 1}
    assert cost(world, stolen) == {**NOTHING, "Com_select": 1}
    spent = cost(world, lambda: world.refresh(answer.token, jkt=jkt))
    assert spent == {**NOTHING, "Com_select": 1, "Com_update": 1}
    repeated = cost(world, lambda: world.refresh(answer.token, jkt=jkt))
    assert repeated == {**NOTHING, "Com_select": 1}


def test_a_bound_token_with_a_proof_that_is_forged_costs_its_own_route_nothing(world: World) -> None:
    client = prover()
    token = world.login(world.user(), jkt=client.jkt).access_token or ""
    introspect(token, world.sessions)  # reads the public keys, once an environment
    nonce = Nonces(lambda step: world.shared.keys.pseudonym("dpop-nonce", step)).current(world.clock())
    issuer, places = world.settings.issuer, (Place("", "/auth/session"),)

    def by(proof: str) -> Credential:
        return Credential(Transport.BEARER, token, proof=PresentedProof(proof, "GET", places))

    def ask(credential: Credential) -> str:
        return validate(credential, world.sessions.validation).claims.sid

    def made(**claims: object) -> str:
        return client.proof(
            "GET", f"{issuer}/auth/session", token=token, iat=world.clock(), nonce=nonce, **claims
        )

    good = made()
    ask(by(made()))
    forged = f"{good.rpartition('.')[0]}.{'A' * 86}"

    def refused() -> None:
        with pytest.raises(InvalidProof, match="signature"):
            ask(by(forged))

    assert cost(world, refused) == NOTHING
    assert cost(world, lambda: ask(by(good))) == {**NOTHING, "Com_select": 1}


def test_a_refresh_changes_one_row_once(world: World) -> None:
    answer = world.login(world.user())

    assert rows_updated(world, lambda: world.refresh(answer.token)) == 1


def test_a_repeat_is_one_select_and_changes_nothing(world: World) -> None:
    answer = world.login(world.user())
    world.refresh(answer.token)

    assert cost(world, lambda: world.refresh(answer.token)) == {**NOTHING, "Com_select": 1}


def test_reuse_is_one_select_one_update_and_its_event_in_one_commit(world: World) -> None:
    answer = world.login(world.user())
    world.refresh(answer.token)
    world.clock.now += 60

    def reuse() -> None:
        with pytest.raises(InvalidGrant):
            world.refresh(answer.token)

    assert cost(world, reuse) == {
        **NOTHING,
        "Com_select": 1,
        "Com_update": 1,
        "Com_insert": 1,
        "Com_insert_select": 1,
        "Com_begin": 1,
        "Com_commit": 1,
    }


@pytest.mark.parametrize("position", [10, 40, 60, 90, 106])
def test_a_forged_opaque_token_costs_nothing(world: World, position: int) -> None:
    good = world.login(world.user()).token
    forged = good[:position] + ("A" if good[position] != "A" else "B") + good[position + 1 :]

    def attempt() -> None:
        with pytest.raises(InvalidGrant):
            world.refresh(forged)

    assert cost(world, attempt) == NOTHING


def test_a_token_with_a_right_checksum_and_a_wrong_tag_costs_nothing(world: World) -> None:
    import base64
    import zlib

    good = world.login(world.user()).token
    raw = bytearray(base64.urlsafe_b64decode(good[7:]))
    raw[30] ^= 1
    body = bytes(raw[:-4])
    checksum = zlib.crc32(b"aut_rt_" + body).to_bytes(4, "big")
    forged = "aut_rt_" + base64.urlsafe_b64encode(body + checksum).decode()

    def attempt() -> None:
        with pytest.raises(InvalidGrant):
            world.refresh(forged)

    assert cost(world, attempt) == NOTHING


def test_an_access_token_costs_the_authorizer_nothing_while_its_feed_is_fresh(world: World) -> None:
    environment = world.environment()
    deps = wiring.authorizing(environment)
    tokens = [world.login(world.user()).access_token or "" for _ in range(3)]
    validate(Credential(Transport.BEARER, tokens[0]), deps)

    def validations() -> None:
        for token in tokens * 100:
            validate(Credential(Transport.BEARER, token), deps)

    assert cost(world, validations, environment) == NOTHING


def test_a_stale_feed_costs_one_select_however_many_tokens(world: World) -> None:
    environment = world.environment()
    environment.settings = replace(environment.settings, revocation_feed="log")
    deps = wiring.authorizing(environment)
    former, user = world.user(), world.user()
    world.login(former)
    # The end of an empty log is asked for by one more.
    revoke_user(world.user_id(former), RevokeReason.ADMIN, "", world.sessions)
    token = world.login(user).access_token or ""
    validate(Credential(Transport.BEARER, token), deps)
    world.clock.now += world.settings.revocation_max_staleness_s

    def validations() -> None:
        for _ in range(100):
            validate(Credential(Transport.BEARER, token), deps)

    assert cost(world, validations, environment) == {**NOTHING, "Com_select": 1}


def test_garbage_costs_the_authorizer_nothing(world: World) -> None:
    environment = world.environment()
    deps = wiring.authorizing(environment)
    validate(Credential(Transport.BEARER, world.login(world.user()).access_token or ""), deps)

    def attempts() -> None:
        for garbage in ("", "x", "a.b.c", "aut_st_" + "A" * 100):
            for transport in Transport:
                with pytest.raises(InvalidAccessToken):
                    validate(Credential(transport, garbage), deps)

    assert cost(world, attempts, environment) == NOTHING


# What comes before a session starts: the buckets read and taken from, and the account with its password hash.
PASSWORD_CHECK = {"Com_insert_select": 1, "Com_select": 2}


def beyond_the_password_check(spent: dict[str, int]) -> dict[str, int]:
    return {name: count - PASSWORD_CHECK.get(name, 0) for name, count in spent.items()}


def statements(spent: dict[str, int]) -> int:
    """Without what only frames a transaction."""
    return sum(count for name, count in spent.items() if name not in ("Com_begin", "Com_commit"))


def test_a_login_is_four_statements_two_more_where_sessions_end_and_one_commit_beside_the_password_check(
    world: World,
) -> None:
    name, alone = world.user(max_sessions=2), world.user()
    world.login(name)
    world.login(alone)
    phone = DeviceRequest(id=world.login(name, DeviceRequest(name="phone")).device_id, remember=True)

    logins = {
        "room": cost(world, lambda: world.login(alone)),
        "evicts": cost(world, lambda: world.login(name)),
        "replaces": cost(world, lambda: world.login(name, phone)),
    }

    for case, spent in logins.items():
        beyond = beyond_the_password_check(spent)
        ends_sessions = int(case != "room")
        assert beyond == {
            **NOTHING,
            "Com_insert": 2,  # session with device; events
            "Com_insert_select": 1 + ends_sessions,  # the buckets settled; sessions that end are told
            "Com_select": 1,  # what it rests on, under lock
            "Com_update": ends_sessions,
            "Com_begin": 1,
            "Com_commit": 1,
        }, case
        assert statements(beyond) == 4 + 2 * ends_sessions


def test_a_user_s_first_sign_in_makes_their_row_outside_the_transaction(world: World) -> None:
    name = world.user()
    request = IssueRequest(world.user_id(name), ("mfa",))

    first, second = (cost(world, lambda: issue(request, CALLER, world.issuing)) for _ in range(2))

    more = {"Com_begin": 1, "Com_select": 1, "Com_commit": 1, "Com_insert_select": 1}
    assert first == {name: second[name] + more.get(name, 0) for name in COUNTED}


def test_a_failed_login_costs_the_same_for_a_known_and_an_unknown_account(world: World) -> None:
    name = world.user()

    def attempt(username: str) -> None:
        with pytest.raises(InvalidCredentials):
            login(LoginRequest(username, "wrong"), CALLER, world.issuing)

    spent = cost(world, lambda: attempt(name))

    assert spent == {**NOTHING, "Com_insert": 1, "Com_insert_select": 1, "Com_select": 2}
    assert cost(world, lambda: attempt("nobody-here@example.com")) == spent


def test_a_login_that_is_refused_by_a_limit_is_one_select(world: World) -> None:
    name = world.user()
    request, caller = LoginRequest(name, "wrong"), Caller("192.0.2.200")
    for _ in range(LOGIN_PER_PAIR.burst):
        with pytest.raises(InvalidCredentials):
            login(request, caller, world.issuing)

    def refused() -> None:
        with pytest.raises(RateLimited):
            login(request, caller, world.issuing)

    assert cost(world, refused) == {**NOTHING, "Com_select": 1}


def test_a_known_device_costs_a_login_one_select_more_and_a_forged_token_none(world: World) -> None:
    name = world.user()
    token = world.login(name, DeviceRequest(remember=True)).device_token or ""

    def attempt(device_token: str | None) -> dict[str, int]:
        def failing() -> None:
            with pytest.raises(InvalidCredentials):
                login(LoginRequest(name, "wrong", device_token=device_token), CALLER, world.issuing)

        return cost(world, failing)

    without = attempt(None)

    assert attempt(token[:-1] + ("A" if token[-1] != "A" else "B")) == without
    assert attempt(token) == {**without, "Com_select": without["Com_select"] + 1}


# What comes before the password of a step-up: its session's row, the bucket, the account with its hash.
STEP_UP_CHECK = {"Com_select": 2, "Com_insert_select": 1}


def test_a_step_up_is_one_update_and_its_event_in_one_commit_beside_its_password(world: World) -> None:
    answer = world.login(world.user())
    world.clock.now += 5
    request = StepUpRequest(answer.token, PASSWORD)

    spent = cost(world, lambda: step_up(request, CALLER, world.issuing))
    world.clock.now += 5
    repeated = cost(world, lambda: step_up(request, CALLER, world.issuing))
    unchanged = cost(world, lambda: step_up(request, CALLER, world.issuing))

    written = {"Com_update": 1, "Com_insert": 1, "Com_begin": 1, "Com_commit": 1}
    # The bucket is settled.
    settled = {**STEP_UP_CHECK, "Com_insert_select": 2}
    assert spent == repeated == {**NOTHING, **settled, **written}
    assert unchanged == {**NOTHING, **settled}


def test_a_step_up_that_is_refused_writes_its_event_or_nothing(world: World) -> None:
    answer = world.login(world.user())

    def refused(password: str, error: type[Exception], **fields: Any) -> dict[str, int]:
        def attempt() -> None:
            with pytest.raises(error):
                step_up(StepUpRequest(answer.token, password, **fields), CALLER, world.issuing)

        return cost(world, attempt)

    unmet = refused(PASSWORD, UnmetAuthenticationRequirements, acr_values=("urn:mfa",))
    wrong = [refused("wrong", InvalidCredentials) for _ in range(STEP_UP_PER_USER.burst)]
    limited = refused("wrong", RateLimited)

    assert unmet == {**NOTHING, "Com_select": 1}
    assert wrong == [{**NOTHING, **STEP_UP_CHECK, "Com_insert": 1}] * STEP_UP_PER_USER.burst
    assert limited == {
        **NOTHING,
        "Com_select": 2,
        "Com_insert_select": 1,
    }  # the row; the bucket, for Retry-After


def test_a_backend_s_word_for_a_live_session_is_one_select_and_one_commit(world: World) -> None:
    name = world.user()
    answer = world.login(name)
    request = VouchRequest(answer.session_id, world.user_id(name), ("pwd", "otp"), PASSWORD_ACR)

    spent = cost(world, lambda: vouch(request, CALLER, world.issuing))

    assert spent == {
        **NOTHING,
        "Com_select": 1,
        "Com_update": 1,
        "Com_insert": 1,
        "Com_begin": 1,
        "Com_commit": 1,
    }


def test_a_token_exchange_is_four_statements_and_two_more_where_sessions_end(world: World) -> None:
    name = world.user()
    token = world.login(name, DeviceRequest(remember=True)).device_token or ""

    def exchange() -> None:
        nonlocal token
        token = exchange_device_token(ExchangeRequest(token), CALLER, world.issuing).device_token or ""

    replacing = cost(world, exchange)
    world.sql("UPDATE auth_user_tokens SET revoked_at = UTC_TIMESTAMP(6) WHERE type = 'refresh'")
    alone = cost(world, exchange)
    world.sql("INSERT INTO user_config (user_id, max_sessions) VALUES (%s, 1)", world.user_id(name))
    world.sql("UPDATE auth_user_tokens SET revoked_at = UTC_TIMESTAMP(6) WHERE type = 'refresh'")
    world.login(name)
    evicting = cost(world, exchange)

    for spent, ends_sessions in ((replacing, 1), (alone, 0), (evicting, 1)):
        assert spent == {
            **NOTHING,
            "Com_select": 2,  # the device; what the session rests on, under lock
            "Com_insert_select": ends_sessions,  # sessions that end are told
            "Com_insert": 2,  # session with device; events
            "Com_update": ends_sessions,
            "Com_begin": 1,
            "Com_commit": 1,
        }
        assert statements(spent) == 4 + 2 * ends_sessions


def test_a_repeated_exchange_is_two_selects(world: World) -> None:
    request = ExchangeRequest(world.login(world.user(), DeviceRequest(remember=True)).device_token or "")
    exchange_device_token(request, CALLER, world.issuing)

    spent = cost(world, lambda: exchange_device_token(request, CALLER, world.issuing))

    assert spent == {**NOTHING, "Com_select": 2}


@pytest.mark.parametrize("sessions", [1, 20])
def test_ending_all_is_the_order_one_update_and_its_event_whatever_the_number(
    world: World, sessions: int
) -> None:
    name = world.user()
    answers = [world.login(name) for _ in range(sessions)]
    claims = validate(
        Credential(Transport.BEARER, answers[-1].access_token or ""), world.sessions.validation
    ).claims

    spent = cost(world, lambda: logout(LogoutScope.ALL, claims, CALLER, world.sessions))

    assert spent == {
        **NOTHING,
        "Com_update": 1,
        "Com_insert": 2,
        "Com_insert_select": 1,
        "Com_begin": 1,
        "Com_commit": 1,
    }
    assert all(world.row(answer.session_id)["revoked_at"] for answer in answers)


def test_the_portals_word_that_a_user_is_gone_costs_the_same_twice_over(world: World) -> None:
    name = world.user()
    for _ in range(5):
        world.login(name, DeviceRequest(remember=True))
    user_id = world.user_id(name)

    def tell() -> None:
        end_what_began_before(UserChange(user_id, RevokeReason.USER_DELETED, world.clock()), world.sessions)

    first, again = cost(world, tell), cost(world, tell)

    assert first == {
        **NOTHING,
        "Com_update": 1,
        "Com_insert": 2,
        "Com_insert_select": 1,
        "Com_begin": 1,
        "Com_commit": 1,
    }
    assert again == {**first, "Com_insert": 1, "Com_insert_select": 0}


def test_an_operator_s_revoke_and_a_kept_session_cost_one_select_more(world: World) -> None:
    name = world.user()
    user_id = world.user_id(name)
    kept = uuid.UUID(world.login(name).session_id).bytes
    whole = {
        **NOTHING,
        "Com_update": 1,
        "Com_insert": 2,
        "Com_insert_select": 1,
        "Com_begin": 1,
        "Com_commit": 1,
        "Com_select": 1,
    }

    def change_password() -> None:
        end_what_began_before(
            UserChange(user_id, RevokeReason.PASSWORD_CHANGED, world.clock(), kept), world.sessions
        )

    assert cost(world, change_password) == {
        **whole,
        "Com_insert": 1,
        "Com_insert_select": 0,
    }  # nothing ended, so no event
    assert cost(world, lambda: revoke_user(user_id, RevokeReason.ADMIN, "", world.sessions)) == whole


def test_ending_a_session_with_its_device_is_one_update_and_both_events_in_one(world: World) -> None:
    name = world.user()
    user_id = world.user_id(name)
    alone, phone = world.login(name), world.login(name)

    def end(session_id: str, *, keep_device: bool) -> dict[str, int]:
        return cost(
            world,
            lambda: end_session(
                session_id, user_id, CALLER, world.sessions, SessionEnd(keep_device=keep_device)
            ),
        )

    session = {
        **NOTHING,
        "Com_select": 1,
        "Com_update": 1,
        "Com_insert": 1,
        "Com_insert_select": 1,
        "Com_begin": 1,
        "Com_commit": 1,
    }
    assert end(alone.session_id, keep_device=True) == session
    assert end(phone.session_id, keep_device=False) == {**session, "Com_insert": 2}  # and the order


def test_lists_and_introspection_are_one_select_each(world: World) -> None:
    name = world.user()
    answer = world.login(name)
    user_id = world.user_id(name)
    one_select = {**NOTHING, "Com_select": 1}
    introspect(answer.access_token or "", world.sessions)  # reads the public keys, once an environment

    assert cost(world, lambda: list_sessions(user_id, 10, None, world.sessions)) == one_select
    assert cost(world, lambda: list_devices(user_id, 10, None, world.sessions)) == one_select
    assert cost(world, lambda: introspect(answer.token, world.sessions)) == one_select
    assert cost(world, lambda: introspect(answer.access_token or "", world.sessions)) == one_select


def test_the_jwks_are_one_select_a_request(world: World) -> None:
    world.login(world.user())

    for _ in range(3):
        assert cost(world, world.shared.published_keys.jwks) == {**NOTHING, "Com_select": 1}


def test_keys_that_have_changed_are_read_once_more_and_nothing_else_is(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user())
    refreshed = world.refresh(answer.token)
    bearer = Credential(Transport.BEARER, refreshed.access_token or "")
    validate(bearer, world.sessions.validation)
    one_select = {**NOTHING, "Com_select": 1}
    assert cost(world, lambda: validate(bearer, world.sessions.validation)) == one_select

    withdraw_signing_key(
        world.shared.public_keys.jwks()[1]["kid"], wiring.rotating(world.environment())
    )  # the standby key: nobody is refused

    validates = [cost(world, lambda: validate(bearer, world.sessions.validation)) for _ in range(2)]
    assert validates == [{**NOTHING, "Com_select": 2}, one_select]
    answers = [refreshed]
    refreshes = [cost(world, lambda: answers.append(world.refresh(answers[-1].token))) for _ in range(2)]
    # Data keys and the key that signs are each a cache of their own.
    usual = {**NOTHING, "Com_select": 1, "Com_update": 1}
    assert refreshes == [{**usual, "Com_select": 3}, usual]


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        (token_table.SELECT_TOKEN, 1),
        (token_table.SELECT_SESSION_AND_DENIAL, 1),
        (token_table.SELECT_DEVICE, 1),
        (standing.READ_UNDER_LOCK, 1),
        (standing.READ_UNDER_LOCK_WITH_DEVICE, 1),
        (standing.READ_USER_UNDER_LOCK, 1),
        (standing.READ_USER_UNDER_LOCK_WITH_DEVICE, 1),
        (portal.SELECT_ACCOUNT_BY_NAME, 5),  # the keys' version, password hash, stop number, owner, labels
        (portal.SELECT_ACCOUNT_BY_ID, 5),
    ],
)
def test_what_a_hot_path_reads_comes_in_few_columns(world: World, statement: str, columns: int) -> None:
    name = world.user()
    session_id = uuid.UUID(world.login(name).session_id).bytes
    of_a_sign_in = {
        "user_id": world.user_id(name),
        "password_hash": None,
        "device_id": None,
        "now": datetime(2026, 1, 1),
    }
    wanted: dict[str, object] = {
        standing.READ_UNDER_LOCK: of_a_sign_in,
        standing.READ_UNDER_LOCK_WITH_DEVICE: of_a_sign_in,
        standing.READ_USER_UNDER_LOCK: of_a_sign_in,
        standing.READ_USER_UNDER_LOCK_WITH_DEVICE: of_a_sign_in,
        portal.SELECT_ACCOUNT_BY_NAME: (name,),
        portal.SELECT_ACCOUNT_BY_ID: (world.user_id(name),),
    }
    parameters = wanted.get(statement, {"id": session_id, "jti": b""})

    [row] = world.database.rows(own_sql(statement), parameters)  # type: ignore[arg-type]

    assert len(row) == columns


@pytest.mark.parametrize("is_login", [False, True], ids=["refresh", "login"])
def test_the_ages_of_keys_cost_one_reading_of_the_clock_an_invocation(world: World, is_login: bool) -> None:
    readings: list[int] = []

    def clock() -> int:
        readings.append(world.clock())
        return readings[-1]

    name = world.user()
    environment = wiring.Container(world.telemetry, world.settings, clock=clock)
    deps = wiring.issuing(environment)
    # From an address of its own, whose logins no other test has counted.
    caller = replace(CALLER, address="198.51.100.77")
    token = login(LoginRequest(name, PASSWORD), caller, deps).token

    def call(event: object, context: object) -> None:
        if is_login:
            login(LoginRequest(name, PASSWORD), caller, deps)
        else:
            refresh(RefreshRequest(token), caller, deps)

    readings.clear()
    timed(call)({}, None)

    assert len(readings) == 2  # the other is the use case's own


def test_a_trusted_issue_is_five_statements_and_its_limit_none(world: World) -> None:
    request = IssueRequest(world.user_id(world.user()), ("mfa",))
    issue(request, CALLER, world.issuing)

    spent = cost(world, lambda: issue(request, CALLER, world.issuing))

    assert spent == {
        **NOTHING,
        "Com_select": 1,  # the account, and what the session rests on, under lock
        "Com_insert": 2,  # session with device; events
        "Com_begin": 1,
        "Com_commit": 1,
    }
