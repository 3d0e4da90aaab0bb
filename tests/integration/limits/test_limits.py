"""Rate limits on the real database: exact over environments and the second, and open when their table is away."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pymysql
import pytest

from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidCredentials, RateLimited
from auth_tokens.domain.limits import (
    LOGIN_FIRST,
    LOGIN_PER_PAIR,
    LOGIN_PER_SOURCE,
    REFRESH_PER_SESSION,
    Limit,
)
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.row_metadata import metadata_of
from tests.support import wiring
from tests.support.world import CALLER, PASSWORD, World


def guess(world: World, name: str, address: str = "198.51.100.1") -> None:
    with pytest.raises(InvalidCredentials):
        login(LoginRequest(name, "wrong"), Caller(address), world.issuing)


def retry_after_s(world: World, name: str, address: str = "198.51.100.1") -> int:
    with pytest.raises(RateLimited) as refusal:
        login(LoginRequest(name, PASSWORD), Caller(address), world.issuing)
    return refusal.value.retry_after_s


@pytest.mark.parametrize("known", [True, False], ids=["known account", "unknown account"])
def test_retry_after_is_right_to_the_second(world: World, known: bool) -> None:
    name = world.user() if known else f"nobody-{world.clock.now}@example.com"
    for _ in range(LOGIN_PER_PAIR.burst):
        guess(world, name)
    wait_s = retry_after_s(world, name)

    world.clock.now += wait_s - 1
    assert retry_after_s(world, name) == 1
    world.clock.now += 1

    assert wait_s == LOGIN_PER_PAIR.interval_ms // 1000
    guess(world, name)
    assert retry_after_s(world, name) == wait_s


@pytest.mark.parametrize(
    ("limit", "networks"), [(LOGIN_PER_PAIR, 1), (LOGIN_FIRST, 30)], ids=["one network", "many networks"]
)
def test_parallel_guesses_at_an_account_do_not_all_get_through(
    world: World, limit: Limit, networks: int
) -> None:
    name = world.user()
    environments = [wiring.issuing(world.environment()) for _ in range(30)]
    barrier = Barrier(len(environments))

    def attempt(index: int) -> type[Exception]:
        barrier.wait()
        try:
            login(LoginRequest(name, "wrong"), Caller(f"203.0.113.{index % networks}"), environments[index])
        except (InvalidCredentials, RateLimited) as refusal:
            return type(refusal)
        raise AssertionError("a wrong password got in")

    with ThreadPoolExecutor(len(environments)) as pool:
        outcomes = list(pool.map(attempt, range(30)))

    assert outcomes.count(InvalidCredentials) == limit.burst
    assert outcomes.count(RateLimited) == 30 - limit.burst


def test_other_users_behind_the_address_of_a_guesser_still_get_in(world: World) -> None:
    victim, neighbour = world.user(), world.user()
    for _ in range(LOGIN_PER_PAIR.burst):
        guess(world, victim, "192.0.2.77")
    assert retry_after_s(world, victim, "192.0.2.77")

    assert login(LoginRequest(neighbour, PASSWORD), Caller("192.0.2.77"), world.issuing)


def test_a_source_that_tries_many_accounts_is_stopped_and_let_in_again(world: World) -> None:
    name, address = world.user(), "192.0.2.99"
    limiter = world.issuing.limiter
    for _ in range(LOGIN_PER_SOURCE.burst):
        limiter.hit(LOGIN_PER_SOURCE, address)

    wait_s = retry_after_s(world, name, address)
    assert login(LoginRequest(name, PASSWORD), Caller("192.0.2.100"), world.issuing)
    world.clock.now += wait_s

    assert login(LoginRequest(name, PASSWORD), Caller(address), world.issuing)


def test_every_spelling_of_a_user_name_counts_for_one_account(world: World) -> None:
    name = world.user()
    for index in range(LOGIN_PER_PAIR.burst):
        guess(world, (name.upper(), f" {name}", name)[index % 3])

    assert retry_after_s(world, name)


def test_a_refused_attempt_does_not_make_the_wait_longer(world: World) -> None:
    name = world.user()
    for _ in range(LOGIN_PER_PAIR.burst):
        guess(world, name)

    waits = {retry_after_s(world, name) for _ in range(20)}

    assert len(waits) == 1


BREAKAGES: dict[str, Callable[[World], object]] = {
    "no table": lambda world: world.sql("RENAME TABLE auth_token_limits TO limits_away"),
    "other columns": lambda world: world.sql("ALTER TABLE auth_token_limits CHANGE tat_ms t BIGINT UNSIGNED"),
    "full": lambda world: world.sql(
        "CREATE TRIGGER full BEFORE INSERT ON auth_token_limits FOR EACH ROW SIGNAL SQLSTATE '45000'"
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_limiter_whose_table_cannot_be_written_lets_logins_through_and_says_so(
    fresh_world: World, breakage: str
) -> None:
    name = fresh_world.user()
    fresh_world.login(name)
    BREAKAGES[breakage](fresh_world)

    for _ in range(LOGIN_PER_PAIR.burst + 1):
        guess(fresh_world, name)
    answer = login(LoginRequest(name, PASSWORD), CALLER, fresh_world.issuing)

    assert fresh_world.refresh(answer.token)
    # Once an attempt, and once for what a success clears.
    assert fresh_world.telemetry.counts["LimiterFailedOpen"] == (LOGIN_PER_PAIR.burst + 2) + 1


def test_a_login_while_the_limiter_is_away_writes_its_session_whole(fresh_world: World) -> None:
    name = fresh_world.user(max_sessions=1)
    first = fresh_world.login(name)
    BREAKAGES["no table"](fresh_world)

    second = fresh_world.login(name)

    assert fresh_world.row(first.session_id)["revoke_reason"] == "evicted"
    assert fresh_world.row(second.session_id)["revoked_at"] is None
    told = ["login_succeeded", "new_device"]
    assert sorted(fresh_world.events(name)) == sorted([*told, *told, "session_evicted"])


def test_two_accounts_of_one_name_are_neither(fresh_world: World) -> None:
    world = fresh_world
    name = world.user()
    world.sql(
        "ALTER TABLE auth_users MODIFY username VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
    )
    world.sql("ALTER TABLE auth_users DROP KEY ux_username")
    assert world.login(name)
    twin = world.user()
    world.sql("UPDATE auth_users SET username = %s WHERE username = %s", name, twin)

    guess(world, name)
    with pytest.raises(InvalidCredentials):
        world.login(name)


@pytest.mark.parametrize("blank", [" ", "\t", "\u3000", "\u00a0 "])
def test_a_user_name_of_blanks_is_nobodys(world: World, blank: str) -> None:
    with pytest.raises(Exception, match="username is missing"):
        login(LoginRequest(blank, PASSWORD), CALLER, world.issuing)


def test_a_session_refreshed_in_a_loop_is_slowed_down_and_never_lost(world: World) -> None:
    """The bucket is filled up by hand but for its last place."""
    name = world.user()
    answer = world.login(name)
    full_ms = world.clock.now * 1000 + REFRESH_PER_SESSION.burst_ms
    record = world.issuing.store.load(uuid.UUID(answer.session_id).bytes)
    assert record is not None
    metadata = replace(metadata_of(record, world.issuing.cipher), refresh_tat_ms=full_ms)
    sealed = metadata.sealed(world.issuing.cipher, record.id, record.user_id, 0)
    world.sql("UPDATE auth_user_tokens SET metadata = %s WHERE id = %s", sealed, record.id)

    last = world.refresh(answer.token)
    with pytest.raises(RateLimited) as refusal:
        world.refresh(last.token)
    assert world.refresh(answer.token).token == last.token  # a repeat spends nothing, and is not counted
    world.clock.now += refusal.value.retry_after_s

    assert refusal.value.retry_after_s == 1
    assert world.refresh(last.token)


def test_a_refresh_that_was_refused_leaves_its_row_as_it_was(world: World) -> None:
    answer = world.login(world.user())
    record = world.issuing.store.load(uuid.UUID(answer.session_id).bytes)
    assert record is not None
    full = replace(
        metadata_of(record, world.issuing.cipher),
        refresh_tat_ms=world.clock.now * 1000 + REFRESH_PER_SESSION.burst_ms + 1,
    )
    sealed = full.sealed(world.issuing.cipher, record.id, record.user_id, 0)
    world.sql("UPDATE auth_user_tokens SET metadata = %s WHERE id = %s", sealed, record.id)
    before = world.row(answer.session_id)

    with pytest.raises(RateLimited):
        world.refresh(answer.token)

    assert world.row(answer.session_id) == before


@pytest.mark.parametrize("number", [1205, 1213, 1020])
def test_a_storm_that_the_database_cannot_sort_out_lets_nobody_through(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Contention is what guessers can make themselves: it must not open the limit, as an outage does."""
    name = world.user()
    execute = Transaction.execute

    def contended(statements: Transaction, sql: str, parameters: Any = ()) -> int:
        if "auth_token_limits" in sql:
            raise pymysql.err.OperationalError(number, "injected")
        return execute(statements, sql, parameters)

    monkeypatch.setattr(Transaction, "execute", contended)
    monkeypatch.setattr("auth_tokens.adapters.mysql.connection.backoff_s", lambda attempt: 0.0)

    with pytest.raises(RateLimited):
        login(LoginRequest(name, PASSWORD), CALLER, world.issuing)
