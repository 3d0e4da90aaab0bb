"""Each way in which a Portal may keep ids, through the whole life of a token. The Portal has a schema of its own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from auth_tokens.adapters.mysql import ends, portal, rotations, standing, token_table
from auth_tokens.adapters.mysql.analytics.census import MySqlCensus
from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.adapters.portal_map import mapping_of
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import AccessDenied, InvalidCredentials, InvalidGrant
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.policy import PREFERENCES
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.cleanup import STEADY, cleanup
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import introspect
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.revoke_user import end_what_began_before, revoke_user
from auth_tokens.usecases.step_up import StepUpRequest, step_up
from auth_tokens.usecases.validate import validate
from auth_tokens.web.portal_events import MalformedEvent, portal_event
from tests.integration.server.test_statement_counts import cost
from tests.support import wiring
from tests.support.portals import KINDS, PortalWorld, portal_world
from tests.support.world import CALLER, PASSWORD, World


@pytest.fixture(scope="module", params=KINDS)
def mapped(
    world: World, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[PortalWorld]:
    with portal_world(world, KINDS[request.param], tmp_path_factory.mktemp("maps")) as made:
        yield made


def event_of(world: PortalWorld, name: str, kind: str, **detail: object) -> dict[str, object]:
    return {
        "source": "portal.users",
        "detail-type": kind,
        "detail": {"user_id": world.user_id(name), **detail},
    }


def test_a_user_signs_in_refreshes_and_is_introspected_under_the_canonical_id(mapped: PortalWorld) -> None:
    name = mapped.user()
    mapped.label(name, "tsp:operator")
    mapped.label(name, "admin")

    answer = mapped.login(name)
    refreshed = mapped.refresh(answer.token)

    row = mapped.row(answer.session_id)
    assert (row["user_id"], row["generation"]) == (mapped.user_id(name), 1)
    told = introspect(refreshed.access_token or "", mapped.sessions)
    assert (told["active"], told["sub"]) == (True, mapped.user_id(name))
    claims = validate(
        Credential(Transport.BEARER, refreshed.access_token or ""), mapped.sessions.validation
    ).claims
    assert (claims.sub, claims.labels) == (mapped.user_id(name), ("admin", "tsp:operator"))
    assert introspect(refreshed.token, mapped.sessions)["active"] is True


def test_the_authorizer_takes_its_tokens_and_cookies(mapped: PortalWorld) -> None:
    authorizer = wiring.authorizing(mapped.environment())
    name = mapped.user()
    cookie = mapped.login(name, kind=TokenKind.SESSION)

    for credential in (
        Credential(Transport.BEARER, mapped.login(name).access_token or ""),
        Credential(Transport.COOKIE, cookie.token),
    ):
        assert validate(credential, authorizer).claims.sub == mapped.user_id(name)


def test_a_session_is_raised_by_its_user_s_password(mapped: PortalWorld) -> None:
    answer = mapped.login(mapped.user())

    raised = step_up(StepUpRequest(answer.token, PASSWORD), CALLER, mapped.issuing)
    with pytest.raises(InvalidCredentials):
        step_up(StepUpRequest(raised.token, "wrong"), CALLER, mapped.issuing)

    assert mapped.row(answer.session_id)["generation"] == 1


def test_a_device_token_is_exchanged_and_the_lists_have_both(mapped: PortalWorld) -> None:
    name = mapped.user()
    first = mapped.login(name, DeviceRequest(name="phone", remember=True))

    second = exchange_device_token(ExchangeRequest(first.device_token or ""), CALLER, mapped.issuing)

    user_id = mapped.user_id(name)
    listed = list_sessions(user_id, 10, None, mapped.sessions).sessions
    assert [uuid_text(view.record.id) for view in listed] == [second.session_id]
    assert len(list_devices(user_id, 10, None, mapped.sessions).devices) == 1


def test_a_backend_vouches_for_a_user_by_the_id_that_it_has(mapped: PortalWorld) -> None:
    name = mapped.user()
    user_id = mapped.user_id(name)
    is_uuid = mapped.kind.form in (IdForm.UUID_BYTES, IdForm.UUID_BYTES_SWAPPED)
    spellings = [user_id, user_id.upper()] if is_uuid else [user_id]

    for spelling in spellings:
        answer = issue(IssueRequest(spelling, ("mfa",)), CALLER, mapped.issuing)
        assert mapped.row(answer.session_id)["user_id"] == user_id
    for other in (f"{user_id}abc", f"0{user_id}", "5abc", "x", "4294967295", str(uuid.uuid4())):
        with pytest.raises(AccessDenied):
            issue(IssueRequest(other, ("mfa",)), CALLER, mapped.issuing)


@pytest.mark.parametrize("change", [PortalWorld.disable, PortalWorld.delete_softly])
def test_a_user_who_is_no_longer_active_neither_signs_in_nor_refreshes(
    mapped: PortalWorld, change: Callable[[PortalWorld, str], None]
) -> None:
    name = mapped.user()
    answer = mapped.login(name)

    change(mapped, name)

    with pytest.raises(InvalidGrant):
        mapped.refresh(answer.token)
    with pytest.raises(InvalidCredentials):
        mapped.login(name)
    assert introspect(answer.token, mapped.sessions) == {"active": False}


def test_a_user_who_is_disabled_while_a_refresh_runs_is_refused_by_its_write(
    mapped: PortalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = mapped.user()
    answer = mapped.login(name)
    load = type(mapped.issuing.store).load

    def disabled_after(store: object, token_id: bytes) -> object:
        record = load(store, token_id)  # type: ignore[arg-type]
        mapped.disable(name)
        return record

    monkeypatch.setattr(type(mapped.issuing.store), "load", disabled_after)
    with pytest.raises(InvalidGrant):
        mapped.refresh(answer.token)

    assert mapped.row(answer.session_id)["generation"] == 0


def test_preferences_hold_and_what_is_not_json_is_left_to_the_settings(mapped: PortalWorld) -> None:
    name = mapped.user(max_sessions=2)

    sessions = []
    for _ in range(3):
        mapped.clock.now += 1
        sessions.append(mapped.login(name).session_id)

    assert [mapped.row(each)["revoke_reason"] for each in sessions] == ["evicted", None, None]
    if mapped.kind.form is IdForm.INTEGER:
        unreadable = mapped.user(remember_devices=True)
        mapped.sql(f"ALTER TABLE {mapped.schema}.user_config MODIFY preferences LONGTEXT NULL")
        for text in (
            '{"auth": {"remember": false}}',
            '{"auth": {"remember": null}}',
            "{",
            "",
        ):
            mapped.sql(
                f"UPDATE {mapped.schema}.user_config SET preferences = %s WHERE user_id = %s",
                text,
                mapped.stored_id(unreadable),
            )
            account = mapped.issuing.portal.account_by_name(unreadable)
            assert account is not None
            chosen = {"remember_devices": False} if "false" in text else {}
            assert (dict(account.user.config.chosen), account.user.config.unreadable) == (chosen, ())


def test_the_portal_s_events_end_what_began_before(mapped: PortalWorld) -> None:
    name = mapped.user()
    ended = []
    for kind in ("UserDisabled", "UserDeleted", "PasswordChanged"):
        answer = mapped.login(name)
        mapped.clock.now += 5
        change = portal_event(event_of(mapped, name, kind), mapped.clock.now, mapped.kind.form)
        ended.append(end_what_began_before(change, mapped.sessions))
        assert mapped.row(answer.session_id)["revoked_at"] is not None

    assert min(ended) >= 1


def test_an_event_names_the_user_by_what_the_mapping_says(mapped: PortalWorld) -> None:
    form, user_id = mapped.kind.form, mapped.user_id(mapped.user())

    def named(given: object) -> str:
        event = {"source": "portal.users", "detail-type": "UserDeleted", "detail": {"user_id": given}}
        return portal_event(event, mapped.clock.now, form).user_id

    wrong: list[object] = [True, 1.0, None, f"{user_id}x", [user_id]]
    if form is IdForm.INTEGER:
        assert named(int(user_id)) == named(user_id) == user_id
        wrong += [-1, 2**64, "007"]
    elif form is IdForm.TEXT:
        assert (named(user_id), named(user_id.upper())) == (user_id, user_id.upper())
        wrong += [7]
    else:
        assert named(user_id.upper()) == named(user_id) == user_id
        wrong += [7]
    for other in wrong:
        with pytest.raises(MalformedEvent):
            named(other)


def test_an_operator_ends_everything_and_cleanup_and_census_see_it(mapped: PortalWorld) -> None:
    name = mapped.user()
    answer = mapped.login(name, DeviceRequest(remember=True))
    user_id = mapped.user_id(name)

    assert mapped.sessions.store.knows_user(user_id)
    assert revoke_user(user_id, RevokeReason.ADMIN, "trial", mapped.sessions, CALLER) == 2

    assert mapped.row(answer.session_id)["revoke_reason"] == "admin"
    assert MySqlCensus(mapped.database)
    mapped.clock.now += 400 * 86_400
    report = cleanup(lambda: 60_000, wiring.cleaning(mapped.environment()), STEADY)
    assert report.tables["auth_user_tokens"].deleted >= 2
    assert report.is_complete


def test_a_row_whose_user_id_only_begins_with_a_number_is_nobody_s(mapped: PortalWorld) -> None:
    """As one that an earlier mapping left: CAST makes the user 5 of '5abc'."""
    name = mapped.user()
    answer = mapped.login(name)
    mapped.sql(
        "UPDATE auth_user_tokens SET user_id = %s WHERE id = %s",
        f"{mapped.user_id(name)[:30]}abc",
        uuid.UUID(answer.session_id).bytes,
    )

    with pytest.raises(InvalidGrant):
        mapped.refresh(answer.token)


def costs(world: World, name: str) -> dict[str, dict[str, int]]:
    """The statements of each operation, when everything is warm."""
    deps, sessions = world.issuing, world.sessions
    device = DeviceRequest(name="phone", remember=True)
    first = world.login(name, device)
    cookie = world.login(name, kind=TokenKind.SESSION)
    refreshed = world.refresh(first.token)
    user_id = world.user_id(name)
    bearer = Credential(Transport.BEARER, refreshed.access_token or "")
    operations: dict[str, Callable[[], object]] = {
        "login": lambda: world.login(name),
        "repeat": lambda: world.refresh(first.token),
        "refresh": lambda: world.refresh(refreshed.token),
        "introspect": lambda: introspect(cookie.token, sessions),
        "validate": lambda: validate(bearer, sessions.validation),
        "list": lambda: list_sessions(user_id, 10, None, sessions),
        "issue": lambda: issue(IssueRequest(user_id, ("mfa",)), CALLER, deps),
        "exchange": lambda: exchange_device_token(ExchangeRequest(first.device_token or ""), CALLER, deps),
        "known": lambda: sessions.store.knows_user(user_id),
        "revoke": lambda: revoke_user(user_id, RevokeReason.ADMIN, "trial", sessions, CALLER),
    }
    validate(bearer, sessions.validation)  # reads keys
    return {what: cost(world, operation) for what, operation in operations.items()}


def test_each_operation_takes_as_many_statements_as_with_the_own_tables(
    world: World, mapped: PortalWorld
) -> None:
    own, theirs = (costs(each, each.user()) for each in (world, mapped))

    assert own == theirs
    assert own["refresh"]["Com_select"] == own["refresh"]["Com_update"] == 1


TEMPLATES = {
    "token": token_table.SELECT_TOKEN,
    "device": token_table.SELECT_DEVICE,
    "session": token_table.SELECT_SESSION_AND_DENIAL,
    "rotate": rotations.ROTATE_TOKEN,
    "rotate and raise": rotations.ROTATE_AND_RAISE,
    "raise": rotations.RAISE_SESSION,
    "standing": standing.READ_UNDER_LOCK,
    "standing and device": standing.READ_UNDER_LOCK_WITH_DEVICE,
    "user and standing": standing.READ_USER_UNDER_LOCK,
    "user, standing and device": standing.READ_USER_UNDER_LOCK_WITH_DEVICE,
    "user row": standing.MAKE_USER_ROW,
    "known": ends.SELECT_USER_KNOWN,
    "by name": portal.SELECT_ACCOUNT_BY_NAME,
    "by id": portal.SELECT_ACCOUNT_BY_ID,
    "upgrade": portal.UPGRADE_PASSWORD_HASH,
}
OURS = {"t", "d", "auth_user_tokens"}


@pytest.fixture(scope="module")
def crowd(mapped: PortalWorld) -> list[str]:
    """The ids of so many users that a scan would show; each has a session."""
    names = [mapped.user() for _ in range(60)]
    for name in names[:40]:
        mapped.label(name, "x")
        mapped.kind.prefer(mapped, name, {"max_sessions": 5})
        mapped.login(name)
    tables = mapped_tables(mapped).mapping.tables
    named = ", ".join(f"{mapped.schema}.{table}" for table in tables)
    mapped.sql(f"ANALYZE TABLE auth_user_tokens, auth_token_users, {named}")
    return [mapped.user_id(name) for name in names[:40]]


def mapped_tables(world: PortalWorld) -> PortalTables:
    return PortalTables(mapping_of(world.settings.portal_map))


@pytest.mark.parametrize("what", TEMPLATES)
def test_no_statement_scans_a_table(mapped: PortalWorld, crowd: list[str], what: str) -> None:
    user_id = crowd[0]
    [row] = mapped.sql("SELECT * FROM auth_user_tokens WHERE user_id = %s AND type = 'refresh'", user_id)
    bound = portal.id_value(mapped.kind.form, user_id)
    by_place: dict[str, tuple[object, ...]] = {
        "by name": ("somebody@example.com",),
        "by id": (bound,),
        "upgrade": ("new", bound, "old"),
    }
    values = {
        "id": row["id"],
        "jti": b"x",
        "user_id": user_id,
        "device_id": row["id"],
        "password_hash": "x",
        "stop_number": 0,
        "now": row["created_at"],
        "at": row["created_at"],
        "read_at": 1,
        "until": 9e9,
        "metadata": b"",
        "generation": 1,
        "token_hash": b"",
        "key_epoch": 1,
        "retry_key_hash": None,
        "spent_generation": 0,
        "spent_hash": row["token_hash"],
        "auth_time": row["created_at"],
        "acr": "x",
        "amr": "pwd",
        "held_acr": "x",
        "expires_at": row["expires_at"],
        "access_expires_at": row["created_at"],
    }
    sql = mapped_tables(mapped).sql(TEMPLATES[what])

    plan = mapped.database.query(f"EXPLAIN FORMAT=TRADITIONAL {sql.strip()}", by_place.get(what, values))

    # The tables of keys and of cut-offs have a few dozen rows at most, and may be read whole.
    read = {
        line["table"]: line["type"]
        for line in plan
        if line["table"] not in (None, "k", "auth_token_keys", "cut")
    }
    kinds = {kind for kind in read.values() if kind}
    assert kinds <= {"const", "eq_ref", "ref", "range", "system", "ref_or_null", "unique_subquery"}, read


def test_the_mapping_is_of_this_kind(mapped: PortalWorld) -> None:
    mapping = mapped_tables(mapped).mapping

    assert (mapping.schema, mapping.users.id_form) == (mapped.schema, mapped.kind.form)
    assert set(PREFERENCES) > set(mapped_tables(mapped).preferences)


def test_the_file_of_a_mapping_is_read_once_a_cold_start(mapped: PortalWorld, tmp_path: Path) -> None:
    name = mapped.user()
    file = Path(mapped.settings.portal_map)
    kept = file.read_text("utf-8")
    file.write_text("not JSON")
    try:
        assert mapped.login(name)
    finally:
        file.write_text(kept)
