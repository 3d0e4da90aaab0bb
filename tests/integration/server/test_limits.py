"""Limits that a database server may be set to: no list is cut, and no value, without a word."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pymysql
import pytest
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql import connection
from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.adapters.mysql.migrations import migrations_in
from auth_tokens.adapters.mysql.revocations import MySqlRevocations
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidCredentials, InvalidGrant, RateLimited, Unavailable
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.limits import Limit
from auth_tokens.domain.login_limits import Bucket
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke import revoke_token
from tests.support import wiring
from tests.support.sign_ins import NoLimits
from tests.support.world import CALLER, PASSWORD, SQL, World

# What a server, a parameter group or a proxy's initialisation query may set, at its smallest; and modes that change
# what a statement means, or that cut a value where the strict ones refuse it. MariaDB raises some to its own minimum.
VARIABLES = {
    "sql_select_limit": "SET SESSION sql_select_limit = 1",
    "group_concat_max_len": "SET SESSION group_concat_max_len = 4",
    "max_sort_length": "SET SESSION max_sort_length = 4",
    "no mode": "SET SESSION sql_mode = ''",
    "the mode of RDS": "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'",
    "ANSI": "SET SESSION sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES'",
    "traditional": "SET SESSION sql_mode = 'TRADITIONAL'",
    "other arithmetic": "SET SESSION sql_mode = 'NO_UNSIGNED_SUBTRACTION,HIGH_NOT_PRECEDENCE,IGNORE_SPACE'",
    "padded": "SET SESSION sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
    "safe updates": "SET SESSION sql_safe_updates = 1",
    "a zone": "SET SESSION time_zone = '+05:45'",
}
# Nothing that is kept is longer: the longest of each that a caller may send.
LONG = Caller("2001:db8:1234:5678:9abc:def0:1234:5678", "😀" * 200, None)
LONG_DEVICE = DeviceRequest(name="😀" * 200, platform="Ω" * 200, remember=True)
LABELS = sorted(f"label {number} " + "é" * 60 for number in range(60))


@pytest.fixture(scope="module", params=VARIABLES)
def limited(request: pytest.FixtureRequest, world: World) -> Iterator[World]:
    """Each connection of the service has the variable set, as a server's default would; and no write may warn."""
    with pytest.MonkeyPatch.context() as patch:
        _on_connect(patch, VARIABLES[request.param])
        _no_warnings(patch)
        made = World(world.settings)
        made.issuing = replace(made.issuing, limiter=NoLimits())
        yield made


def _on_connect(patch: pytest.MonkeyPatch, statement: str) -> None:
    connect = connection._connect

    def connected(*arguments: Any) -> Any:
        made = connect(*arguments)
        made.cursor().execute(statement)
        return made

    patch.setattr(connection, "_connect", connected)


def _no_warnings(patch: pytest.MonkeyPatch) -> None:
    """Of what was cut (1265, 1406), out of range (1264) or of another type (1366); where a mode is not strict, that is
    all the server says."""

    def hearing(write: Callable[..., Any]) -> Callable[..., Any]:
        def heard(self: Transaction, sql: str, parameters: Any = ()) -> Any:
            done = write(self, sql, parameters)
            cut = [told for told in self._connection.show_warnings() if told[1] in (1264, 1265, 1366, 1406)]
            assert not cut, (sql, cut)
            return done

        return heard

    for name in ("execute", "execute_many"):
        patch.setattr(Transaction, name, hearing(getattr(Transaction, name)))


def sessions_of(world: World, user_id: str, limit: int) -> list[str]:
    found, cursor = [], None
    while True:
        page = list_sessions(user_id, limit, cursor, world.sessions)
        found += [uuid_text(view.record.id) for view in page.sessions]
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_lists_are_whole_and_in_order(limited: World) -> None:
    """Sessions of one second are in the order of their ids: pages would lose what is sorted by a part of them."""
    name = limited.user()
    user_id = limited.user_id(name)
    opened = {limited.login(name, LONG_DEVICE).session_id for _ in range(5)}

    assert len(sessions_of(limited, user_id, 100)) == len(set(sessions_of(limited, user_id, 2))) == 5
    assert set(sessions_of(limited, user_id, 2)) == opened
    assert len(list_devices(user_id, 100, None, limited.sessions).devices) == 5


def test_the_limits_of_sessions_hold(limited: World) -> None:
    name = limited.user(max_sessions=2)
    for _ in range(4):
        limited.clock.now += 1
        limited.login(name)

    live = [row for row in limited.rows_of(name) if row["type"] == "refresh" and row["revoked_at"] is None]
    assert len(live) == 2


def test_labels_are_whole(limited: World) -> None:
    name = limited.user()
    user_id = limited.user_id(name)
    for label in LABELS:
        limited.sql("INSERT INTO auth_user_label (user_id, label) VALUES (%s, %s)", user_id, label[:64])

    account = limited.issuing.portal.account_by_id(user_id)

    assert account is not None
    assert account.user.labels == tuple(sorted(label[:64] for label in LABELS))


def test_two_accounts_of_one_name_are_both_seen_and_neither_signs_in(limited: World) -> None:
    limited.sql("ALTER TABLE auth_users DROP KEY ux_username, ADD KEY ux_username (username)")
    name = limited.user()
    try:
        limited.sql("UPDATE auth_users SET username = %s WHERE username = %s", name, limited.user())

        with pytest.raises(InvalidCredentials):
            login(LoginRequest(name, PASSWORD), CALLER, limited.issuing)
    finally:
        limited.sql("DELETE FROM auth_users WHERE username = %s", name)
        limited.sql("ALTER TABLE auth_users DROP KEY ux_username, ADD UNIQUE KEY ux_username (username)")


def test_keys_are_read_whole(limited: World) -> None:
    """A standby signing key is there from the start."""
    limited.login(limited.user())

    published = limited.sql("SELECT kid FROM auth_token_keys WHERE purpose = 'signing' AND state <> 'gone'")
    assert len(published) > 1
    assert len(limited.shared.table.public()) == len(published)


def test_the_revocation_feed_is_whole(limited: World) -> None:
    name = limited.user()
    answers = [limited.login(name) for _ in range(4)]
    since = limited.clock.now
    for answer in answers:
        limited.clock.now += 1
        revoke_token(answer.token, None, CALLER, limited.sessions)

    found = MySqlRevocations(limited.shared.database).revoked_since(since, 1000)
    assert {answer.session_id for answer in answers} <= {uuid_text(token_id) for token_id, _ in found}


def test_the_longest_of_everything_is_kept_as_it_was_sent(limited: World) -> None:
    name = limited.user()
    user_id = limited.user_id(name)
    options = SessionOptions(device=LONG_DEVICE, scope="portal:read")
    request = IssueRequest(user_id, tuple(f"m{i:02}" for i in range(10)), acr="a" * 64, options=options)

    answer = issue(request, LONG, limited.issuing)
    refresh(RefreshRequest(answer.token), LONG, limited.issuing)
    opened = exchange_device_token(ExchangeRequest(answer.device_token or ""), LONG, limited.issuing)

    [device] = list_devices(user_id, 10, None, limited.sessions).devices
    assert (device.metadata.name, device.metadata.platform) == ("😀" * 200, "Ω" * 200)
    assert limited.row(opened.session_id)["revoked_at"] is None
    page = limited.shared.event_log.page(b"\xff" * 16, 0, user_id, None, 100)
    assert all(event.detail for event in page)


def test_a_replay_is_found_and_a_full_bucket_refuses(limited: World) -> None:
    name = limited.user()
    answer = limited.login(name)
    limited.refresh(answer.token)
    limited.clock.now += 60
    with pytest.raises(InvalidGrant):
        limited.refresh(answer.token)
    assert limited.row(answer.session_id)["revoke_reason"] == "reuse"

    limit, key = Limit("try", 2, 60_000), uuid.uuid4().hex
    limited.shared.limiter.hit(limit, key)
    limited.shared.limiter.hit(limit, key)
    with pytest.raises(RateLimited):
        limited.shared.limiter.hit(limit, key)
    buckets = [Bucket(limit, key), Bucket(Limit("other", 2, 60_000), key)]
    limited.shared.limiter.hit(buckets[1].limit, key)
    levels = limited.shared.limiter.levels(buckets)
    assert levels is not None and len(levels.tats) == 2


def test_migrations_know_what_was_applied(limited: World) -> None:
    assert limited.migrated() is limited
    applied = limited.sql("SELECT name FROM auth_token_migrations WHERE name <> ''")
    assert len(applied) == len(migrations_in(SQL))


def test_a_value_that_is_cut_would_be_heard(world: World) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _on_connect(patch, VARIABLES["no mode"])
        _no_warnings(patch)

        with pytest.raises(AssertionError, match="Data truncated for column 'name'"):
            world.environment().database.execute(
                "INSERT INTO auth_token_jobs (name, held_until_ms) VALUES (%s, 0)", ("x" * 50,)
            )


LABELS_OF_A_SMALL_PACKET = 400


def test_labels_beyond_max_allowed_packet_are_whole_or_nobody_signs_in(
    world: World, administrator: "pymysql.Connection[Cursor]"
) -> None:
    """Labels decide about scopes. MySQL sends them all the same, MariaDB NULL."""
    name = world.user()
    user_id = world.user_id(name)
    labels = [f"label{number:03}" + "x" * 40 for number in range(LABELS_OF_A_SMALL_PACKET)]
    values = ", ".join(["(%s, %s)"] * len(labels))
    world.sql(
        f"INSERT INTO auth_user_label (user_id, label) VALUES {values}",
        *[value for label in labels for value in (user_id, label)],
    )
    answer = world.login(name)
    with administrator.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.max_allowed_packet")
        [(usual,)] = cursor.fetchall()
        cursor.execute("SET GLOBAL max_allowed_packet = 16384")
        try:
            deps = wiring.issuing(world.environment())
            try:
                account = deps.portal.account_by_id(user_id)
            except Unavailable:
                with pytest.raises(Unavailable):
                    refresh(RefreshRequest(answer.token), CALLER, deps)
            else:
                assert account is not None
                assert account.user.labels == tuple(labels)
        finally:
            cursor.execute("SET GLOBAL max_allowed_packet = %s", (usual,))
    assert world.refresh(answer.token)
