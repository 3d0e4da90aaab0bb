"""What the writers record, and what an authorizer that reads the log alone knows of it."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from auth_tokens.adapters.log_numbers import LogNumbers
from auth_tokens.adapters.mysql.revocation_entries import IDS_PER_ENTRY
from auth_tokens.adapters.mysql.revocations import SELECT_LOG, SELECT_LOG_AND_MISSING, MySqlRevocationLog
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.adapters.revocation_log import WINDOW, RevocationLog
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.bounds import BROWSER_SESSION_RECORDED_S, CLOCKS_DIFFER_S
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.cutoffs import ISSUED_WITHIN_S
from auth_tokens.domain.errors import InvalidAccessToken
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.end_session import end_session, forget_device
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.validate import ValidateDeps, validate
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support import wiring
from tests.support.world import CALLER, World

TOLD = "SELECT * FROM auth_token_revocations WHERE seq > %s ORDER BY seq"


def log_reader(world: World) -> tuple[wiring.Container, ValidateDeps]:
    """An authorizer's environment that reads the log alone."""
    shared = world.environment()
    shared.settings = replace(shared.settings, revocation_feed="log")
    return shared, wiring.authorizing(shared)


def allowed(deps: ValidateDeps, answer: TokenAnswer) -> bool:
    try:
        validate(Credential(Transport.BEARER, answer.access_token or ""), deps)
    except InvalidAccessToken:
        return False
    return True


def half(identifier: str) -> bytes:
    return uuid.UUID(identifier).bytes[8:]


@pytest.fixture
def recorded(world: World) -> Callable[[], list[dict[str, Any]]]:
    """The rows recorded since the test began."""
    [before] = world.sql("SELECT COALESCE(MAX(seq), 0) AS seq FROM auth_token_revocations")
    return lambda: world.sql(TOLD, before["seq"])


Recorded = Callable[[], list[dict[str, Any]]]


def end_by_token(world: World, answer: TokenAnswer, name: str) -> None:
    revoke_token(answer.token, None, CALLER, world.sessions)


def end_by_id(world: World, answer: TokenAnswer, name: str) -> None:
    end_session(answer.session_id, world.user_id(name), CALLER, world.sessions)


def forget(world: World, answer: TokenAnswer, name: str) -> None:
    forget_device(answer.device_id, world.user_id(name), CALLER, world.sessions)


def end_all(world: World, answer: TokenAnswer, name: str) -> None:
    revoke_user(world.user_id(name), RevokeReason.ADMIN, "", world.sessions)


def sign_in_on_the_device(world: World, answer: TokenAnswer, name: str) -> None:
    world.login(name, DeviceRequest(id=answer.device_id))


def make_the_account_again(world: World, answer: TokenAnswer, name: str) -> None:
    world.sql("UPDATE auth_users SET created_at = '2020-01-01 00:00:03' WHERE username = %s", name)
    world.login(name)


WAYS = [end_by_token, end_by_id, forget, end_all, sign_in_on_the_device, make_the_account_again]


@pytest.mark.parametrize("end", WAYS)
def test_each_way_to_end_a_session_is_recorded_once_and_honoured(
    world: World, recorded: Recorded, end: Callable[[World, TokenAnswer, str], None]
) -> None:
    _, deps = log_reader(world)
    name = world.user()
    answer = world.login(name)
    assert allowed(deps, answer)

    end(world, answer, name)
    world.clock.now += world.settings.revocation_max_staleness_s

    assert not allowed(deps, answer)
    assert [row["ids"] for row in recorded()] == [half(answer.session_id)]


def test_an_access_token_is_recorded_by_its_own_id(world: World, recorded: Recorded) -> None:
    _, deps = log_reader(world)
    answer = world.login(world.user())
    assert allowed(deps, answer)

    revoke_token(answer.access_token or "", None, CALLER, world.sessions)
    world.clock.now += world.settings.revocation_max_staleness_s

    assert not allowed(deps, answer)
    [row] = recorded()
    assert row["keep_until"] == world.clock.now - world.settings.revocation_max_staleness_s + (
        world.settings.access_ttl_s + CLOCKS_DIFFER_S
    )


@pytest.mark.parametrize(("after_s", "is_recorded"), [(-1, True), (0, False)])
def test_a_session_is_recorded_while_an_access_token_of_it_may_live(
    world: World, recorded: Recorded, after_s: int, is_recorded: bool
) -> None:
    answer = world.login(world.user())
    [row] = world.sql(
        "SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', access_expires_at) AS at_s FROM auth_user_tokens WHERE id = %s",
        uuid.UUID(answer.session_id).bytes,
    )
    world.clock.now = row["at_s"] + CLOCKS_DIFFER_S + after_s

    revoke_token(answer.token, None, CALLER, world.sessions)

    assert bool(recorded()) == is_recorded


def test_devices_are_not_recorded_and_browser_sessions_for_as_long_as_their_rows_are_kept(
    world: World, recorded: Recorded
) -> None:
    name = world.user()
    browser = world.login(name, DeviceRequest(remember=True), kind=TokenKind.SESSION)

    end_all(world, browser, name)

    [row] = recorded()
    assert row["ids"] == half(browser.session_id)
    assert row["keep_until"] == world.clock.now + BROWSER_SESSION_RECORDED_S + CLOCKS_DIFFER_S


def test_a_session_of_an_earlier_release_is_recorded_for_the_longest_time(
    world: World, recorded: Recorded
) -> None:
    answer = world.login(world.user())
    world.sql("UPDATE auth_user_tokens SET access_expires_at = NULL")

    revoke_token(answer.token, None, CALLER, world.sessions)

    assert recorded()[0]["keep_until"] == world.clock.now + 3600 + CLOCKS_DIFFER_S


def test_a_late_retry_s_access_token_is_refused_as_well(world: World) -> None:
    _, deps = log_reader(world)
    first = world.login(world.user())
    second = world.refresh(first.token, retry_key="k")
    world.clock.now += 600
    late = world.refresh(first.token, retry_key="k")
    world.clock.now += 590
    assert allowed(deps, late)

    revoke_token(second.token, None, CALLER, world.sessions)
    world.clock.now += world.settings.revocation_max_staleness_s

    assert not allowed(deps, late)


def test_an_exchange_s_session_is_recorded(world: World, recorded: Recorded) -> None:
    token = world.login(world.user(), DeviceRequest(remember=True)).device_token or ""
    first = recorded()
    answer = exchange_device_token(ExchangeRequest(token), CALLER, world.issuing)
    revoke_token(answer.token, None, CALLER, world.sessions)

    assert half(answer.session_id) in [row["ids"] for row in recorded()[len(first) :]]


# As docs/how-to/restore-from-backup.md has it, at an instant of the test's own clock.
CUT_OFF = """
INSERT INTO auth_token_cutoffs (client_id, before_at, decided_at, marked_to) VALUES (%s, %s, %s, '')
ON DUPLICATE KEY UPDATE before_at = VALUES(before_at), decided_at = VALUES(decided_at)
"""


@pytest.mark.parametrize(
    ("client_id", "is_refused"), [("", True), ("portal-web", True), ("portal-app", False)]
)
@pytest.mark.parametrize("is_crowded", [False, True])
def test_everything_before_an_instant_is_one_entry(
    fresh_world: World, monkeypatch: pytest.MonkeyPatch, client_id: str, is_refused: bool, is_crowded: bool
) -> None:
    world = fresh_world
    if is_crowded:
        monkeypatch.setattr(RevocationLog.__init__, "__defaults__", (0,))
    _, deps = log_reader(world)
    revoke_token(world.login(world.user()).token, None, CALLER, world.sessions)
    before = world.login(world.user())
    assert allowed(deps, before)

    instant = to_sql(world.clock.now)
    world.sql(CUT_OFF, client_id, instant, instant)
    world.clock.now += ISSUED_WITHIN_S + 1
    after = world.login(world.user())

    assert allowed(deps, before) != is_refused
    assert allowed(deps, after)


def test_many_sessions_of_a_user_are_rows_of_many_ids(world: World, recorded: Recorded) -> None:
    _, deps = log_reader(world)
    name = world.user(max_sessions=1000)
    answer = world.login(name)
    assert allowed(deps, answer)
    row = world.row(answer.session_id)
    columns = ", ".join(f"`{column}`" for column in row if column not in ("id", "metadata"))
    for _ in range(249):
        world.sql(
            f"INSERT INTO auth_user_tokens (id, {columns}) SELECT %s, {columns} FROM auth_user_tokens WHERE id = %s",
            uuid.uuid4().bytes,
            row["id"],
        )

    end_all(world, answer, name)
    world.clock.now += world.settings.revocation_max_staleness_s

    assert sorted(len(found["ids"]) // 8 for found in recorded()) == [26, *[IDS_PER_ENTRY] * 7]
    assert not allowed(deps, answer)


def test_a_revocation_is_one_statement_more_and_in_its_transaction(world: World) -> None:
    answer = world.login(world.user())

    spent = cost(world, lambda: revoke_token(answer.token, None, CALLER, world.sessions))

    assert (spent["Com_insert_select"], spent["Com_begin"], spent["Com_commit"]) == (1, 1, 1)


def rows_read(world: World, shared: wiring.Container, action: Callable[[], object]) -> int:
    def reads() -> int:
        rows = shared.database.query("SHOW SESSION STATUS LIKE 'Handler\\_read%'")
        # Of the temporary table that the groups are collected in, rows are read by Handler_read_rnd.
        return sum(int(row["Value"]) for row in rows if "rnd" not in row["Variable_name"].lower())

    before = reads()
    action()
    return reads() - before


def ask_later(world: World, deps: ValidateDeps, answer: TokenAnswer) -> None:
    world.clock.now += world.settings.revocation_max_staleness_s + 1
    allowed(deps, answer)


def test_an_idle_read_is_one_statement_that_reads_a_handful_of_rows_whatever_was_revoked_before(
    fresh_world: World,
) -> None:
    """In a log of its own: what other tests wrote may have left numbers that are looked for again."""
    world = fresh_world
    shared, deps = log_reader(world)
    good = world.login(world.user())
    for _ in range(30):
        revoke_token(world.login(world.user()).token, None, CALLER, world.sessions)
    allowed(deps, good)
    ask_later(world, deps, good)

    assert cost(world, lambda: ask_later(world, deps, good), shared) == {**NOTHING, "Com_select": 1}
    assert rows_read(world, shared, lambda: ask_later(world, deps, good)) <= 8


def test_a_read_reads_what_is_new_once(fresh_world: World) -> None:
    """In a log of its own without gaps: MariaDB does not count the rows that it reads beside the numbers of a list."""
    world = fresh_world
    shared, deps = log_reader(world)
    good = world.login(world.user())
    revoke_token(world.login(world.user()).token, None, CALLER, world.sessions)
    allowed(deps, good)
    idle = rows_read(world, shared, lambda: ask_later(world, deps, good))
    for _ in range(20):
        revoke_token(world.login(world.user()).token, None, CALLER, world.sessions)

    first = rows_read(world, shared, lambda: ask_later(world, deps, good))
    second = rows_read(world, shared, lambda: ask_later(world, deps, good))

    assert 20 <= first - idle <= 3 * 20
    assert second <= idle + 2


@pytest.mark.parametrize("statement", [SELECT_LOG, SELECT_LOG_AND_MISSING])
def test_a_read_goes_by_the_primary_key(world: World, statement: str) -> None:
    for number in range(3):
        world.sql(
            "INSERT INTO auth_token_revocations (written_at, keep_until, ids) VALUES (0, 0, %s)",
            bytes([number]) * 8,
        )
    parameters = {"start": 10**9, "end": 10**9 + WINDOW, "missing": [1, 2, 3]}
    plan = world.database.query(f"EXPLAIN FORMAT=TRADITIONAL {statement}", parameters)

    [log] = [row for row in plan if row["table"] == "l"]
    assert (log["type"], log["key"]) == ("range", "PRIMARY")


WRITERS = 6
EACH = 25


def told_by_writers(world: World, known: Callable[[], None]) -> set[bytes]:
    """Ids committed by transactions that overlap: some commit late, some roll back, and their clocks differ."""
    committed: set[bytes] = set()

    def write(writer: int) -> None:
        connection = world.connect(autocommit=False)
        with connection, connection.cursor() as cursor:
            for number in range(EACH):
                identifier = uuid.uuid4().bytes
                cursor.execute(
                    "INSERT INTO auth_token_revocations (written_at, keep_until, ids)"
                    " SELECT UNIX_TIMESTAMP(), %s, %s",
                    (world.clock.now + 600 + (writer - 3) * 20, identifier[8:]),
                )
                cursor.execute("SELECT SLEEP(%s)", (0.3 if number % 8 == writer else 0.004 * (writer % 3),))
                if (number + writer) % 9 == 0:
                    connection.rollback()
                    continue
                connection.commit()
                committed.add(identifier)

    threads = [Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        known()
    for thread in threads:
        thread.join()
    return committed


def test_no_id_is_missed_beside_late_commits_rollbacks_and_clocks_that_differ(world: World) -> None:
    log = RevocationLog(MySqlRevocationLog(world.environment().database))
    assert log.read(world.clock.now)

    committed = told_by_writers(world, lambda: log.read(world.clock.now))
    log.read(world.clock.now)

    assert len(committed) > WRITERS * EACH / 2
    assert [identifier for identifier in committed if identifier not in log] == []


def test_without_the_missing_numbers_some_would_be_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above is able to fail."""
    monkeypatch.setattr(LogNumbers, "missing", lambda *_: [])
    log = RevocationLog(MySqlRevocationLog(world.environment().database))
    assert log.read(world.clock.now)

    committed = told_by_writers(world, lambda: log.read(world.clock.now))
    log.read(world.clock.now)

    assert [identifier for identifier in committed if identifier not in log] != []
