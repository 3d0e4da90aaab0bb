"""A user's preferences and labels, from the Portal's tables to what a sign-in and the next access token get."""

from dataclasses import replace

import pytest

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.migrations import migrate, migrations_in
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import AccessDenied, InvalidGrant, InvalidScope, SessionLimitReached
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import introspect
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.world import CALLER, PASSWORD, SQL, World

NEEDS_LABEL = (("writer", frozenset({"portal:write"})),)


def claims_of(world: World, access_token: str | None) -> object:
    return validate(Credential(Transport.BEARER, access_token or ""), world.sessions.validation).claims


def with_labels_for_scopes(world: World) -> IssueDeps:
    """The same deployment with LABEL_SCOPES set."""
    settings = replace(world.settings, label_scopes=NEEDS_LABEL)
    return replace(world.issuing, policy=settings.policy())


def set_preferences(world: World, name: str, **columns: object) -> None:
    for column, value in columns.items():
        world.sql(
            f"INSERT INTO user_config (user_id, {column}) VALUES (%s, %s)"
            f" ON DUPLICATE KEY UPDATE {column} = VALUES({column})",
            world.user_id(name),
            value,
        )


@pytest.mark.parametrize(
    ("action", "survivors"),
    [("evict_least_recently_used", {0, 2}), ("evict_oldest", {1, 2})],
)
def test_what_gives_way_is_the_users_preference(world: World, action: str, survivors: set[int]) -> None:
    name = world.user(max_sessions=2)
    set_preferences(world, name, session_limit_action=action)
    sessions = []
    for _ in range(2):
        sessions.append(world.login(name))
        world.clock.now += 1
    world.refresh(sessions[0].token)  # the oldest is now the one used last
    world.clock.now += 1

    sessions.append(world.login(name))

    live = {i for i, s in enumerate(sessions) if world.row(s.session_id)["revoked_at"] is None}
    assert live == survivors


def test_a_denying_limit_refuses_and_writes_nothing_until_a_session_ends(world: World) -> None:
    name = world.user(max_sessions=1)
    set_preferences(world, name, session_limit_action="deny")
    device = DeviceRequest(name="phone")
    first = world.login(name, device)
    before = world.sql("SELECT COUNT(*) AS n FROM auth_user_tokens")

    with pytest.raises(SessionLimitReached):
        world.login(name, DeviceRequest(name="laptop"))

    assert world.sql("SELECT COUNT(*) AS n FROM auth_user_tokens") == before
    assert world.row(first.session_id)["revoked_at"] is None
    again = world.login(name, DeviceRequest(id=first.device_id))  # takes the place of its own device's
    assert world.row(first.session_id)["revoke_reason"] == "replaced"
    assert world.row(again.session_id)["revoked_at"] is None


def test_a_denying_limit_holds_for_device_tokens_and_spends_none(world: World) -> None:
    name = world.user(max_sessions=2)
    set_preferences(world, name, session_limit_action="deny")
    remembered = world.login(name, DeviceRequest(remember=True))
    world.login(name)
    world.sql(
        "UPDATE auth_user_tokens SET revoked_at = UTC_TIMESTAMP(6) WHERE id = UNHEX(%s)",
        remembered.session_id.replace("-", ""),
    )
    world.login(name)
    request = ExchangeRequest(remembered.device_token or "")

    with pytest.raises(SessionLimitReached):
        exchange_device_token(request, CALLER, world.issuing)

    assert world.row(remembered.device_id)["generation"] == 0


def test_a_mode_that_is_not_allowed_is_refused_after_the_password_only(world: World) -> None:
    name = world.user()
    set_preferences(world, name, allowed_modes="cookie")

    assert world.login(name, kind=TokenKind.SESSION).csrf_token
    with pytest.raises(AccessDenied):
        world.login(name, kind=TokenKind.REFRESH)
    with pytest.raises(Exception, match="wrong"):
        login(LoginRequest(name, "not it"), CALLER, world.issuing)


def test_where_devices_may_not_be_remembered_there_is_no_token_and_old_ones_open_nothing(
    world: World,
) -> None:
    name = world.user()
    before = world.login(name, DeviceRequest(remember=True))
    set_preferences(world, name, remember_devices=0)

    after = world.login(name, DeviceRequest(remember=True))

    assert before.device_token and after.device_token is None
    with pytest.raises(InvalidGrant):
        exchange_device_token(ExchangeRequest(before.device_token), CALLER, world.issuing)
    assert world.row(before.device_id)["generation"] == 0


@pytest.mark.parametrize(("preference", "notify"), [(None, 1), (1, 1), (0, 0)])
def test_the_event_of_a_new_device_says_whether_the_user_wants_to_be_told(
    world: World, preference: int | None, notify: int
) -> None:
    name = world.user()
    set_preferences(world, name, notify_new_device=preference)

    world.login(name)

    log = world.shared.event_log
    [event] = [e for e in log.page(b"\xff" * 16, 0, world.user_id(name), None, 10) if e.type == "new_device"]
    assert event.detail["notify"] == notify


def test_a_preference_out_of_bounds_is_clamped_and_reported_and_lets_the_user_in(world: World) -> None:
    name = world.user(access_ttl_s=5, max_sessions=4_000_000_000)
    reported = world.telemetry.counts.get("PreferenceOutOfBounds", 0)

    answer = world.login(name)

    assert answer.expires_in == 30
    assert world.telemetry.counts["PreferenceOutOfBounds"] == reported + 1
    assert world.telemetry.lines[-1] == (
        "preference_out_of_bounds",
        {"user_id": world.user_id(name), "preferences": "access_ttl_s max_sessions"},
    )


def test_a_changed_preference_shows_in_the_next_access_token(world: World) -> None:
    name = world.user()
    first = world.login(name)
    set_preferences(world, name, access_ttl_s=45, refresh_idle_ttl_s=500)

    second = world.refresh(first.token)

    assert (first.expires_in, second.expires_in) == (600, 45)
    assert second.token_expires_in == 500


def test_a_changed_label_shows_in_the_next_access_token(world: World) -> None:
    name = world.user()
    first = world.login(name)
    world.sql("INSERT INTO auth_user_label (user_id, label) VALUES (%s, 'tsp:operator')", world.user_id(name))

    second = world.refresh(first.token)

    assert claims_of(world, first.access_token).labels == ()  # type: ignore[attr-defined]
    assert claims_of(world, second.access_token).labels == ("tsp:operator",)  # type: ignore[attr-defined]


def test_a_scope_that_needs_a_label_comes_and_goes_with_it(world: World) -> None:
    deps = with_labels_for_scopes(world)
    name = world.user()
    label = "INSERT INTO auth_user_label (user_id, label) VALUES (%s, 'writer')"
    asked = SessionOptions(scope="portal:read portal:write")

    without = login(LoginRequest(name, PASSWORD), CALLER, deps)
    with pytest.raises(InvalidScope):
        login(LoginRequest(name, PASSWORD, asked), CALLER, deps)
    world.sql(label, world.user_id(name))
    holding = login(LoginRequest(name, PASSWORD, asked), CALLER, deps)
    world.sql("DELETE FROM auth_user_label WHERE user_id = %s", world.user_id(name))
    after = refresh(RefreshRequest(holding.token), CALLER, deps)
    with pytest.raises(InvalidScope):
        refresh(RefreshRequest(after.token, scope="portal:write"), CALLER, deps)
    world.sql(label, world.user_id(name))
    again = refresh(RefreshRequest(after.token), CALLER, deps)

    scopes = [answer.scope for answer in (without, holding, after, again)]
    assert scopes == ["portal:read", "portal:read portal:write", "portal:read", "portal:read portal:write"]


def test_a_browser_session_loses_a_scope_with_its_label_at_once(world: World) -> None:
    policy = with_labels_for_scopes(world).policy
    name = world.user()
    answer = world.login(name, kind=TokenKind.SESSION)

    seen = validate(
        Credential(Transport.COOKIE, answer.token), replace(world.sessions, policy=policy).validation
    )
    told = introspect(answer.token, replace(world.sessions, policy=policy))

    assert (seen.claims.scope, told["scope"]) == ("portal:read", "portal:read")


def test_a_portal_without_some_columns_leaves_them_to_the_settings(fresh_world: World) -> None:
    world = fresh_world
    name = world.user(max_sessions=1)
    for column in ("session_limit_action", "allowed_modes", "notify_new_device", "access_ttl_s"):
        world.sql(f"ALTER TABLE user_config DROP COLUMN {column}")

    first, second = world.login(name), world.login(name)

    assert second.expires_in == world.settings.access_ttl_s
    assert world.row(first.session_id)["revoke_reason"] == "evicted"
    assert world.refresh(second.token).token


def test_a_portal_with_other_types_is_read_and_nonsense_is_reported(fresh_world: World) -> None:
    world = fresh_world
    world.sql(
        "ALTER TABLE user_config MODIFY access_ttl_s VARCHAR(20) NULL, MODIFY max_sessions DECIMAL(10, 1) NULL"
    )
    world.sql("ALTER TABLE user_config MODIFY remember_devices BIT(1) NULL, ADD COLUMN id INT NULL")
    name = world.user(access_ttl_s="90", max_sessions=2, remember_devices=0)  # type: ignore[arg-type]
    odd = world.user(access_ttl_s="ten minutes", max_sessions="2.5")  # type: ignore[arg-type]

    answer, other = world.login(name, DeviceRequest(remember=True)), world.login(odd)

    assert (answer.expires_in, answer.device_token) == (90, None)
    assert other.expires_in == world.settings.access_ttl_s
    assert world.telemetry.lines[-1][1]["preferences"] == "access_ttl_s max_sessions"


def test_a_table_that_is_there_is_left_as_it_is_and_its_missing_columns_to_the_settings(
    fresh_world: World,
) -> None:
    world = fresh_world
    world.sql("DROP TABLE user_config")
    world.sql("CREATE TABLE user_config (user_id VARCHAR(36) NOT NULL PRIMARY KEY, access_ttl_s INT NULL)")
    world.sql("DELETE FROM auth_token_migrations WHERE name = '0000_user_config.sql'")
    config = wiring.database_config(world.settings, timeout_s=30)

    applied = migrate(migrations_in(SQL), Database(config), Database(config))

    assert applied == ["0000_user_config.sql"]
    assert len(world.sql("SHOW COLUMNS FROM user_config")) == 2
    assert world.login(world.user(access_ttl_s=70)).expires_in == 70
