"""Login, sessions, devices and their ends on the real database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.bounds import LimitAction
from auth_tokens.domain.credentials import Credential, Transport, Validated
from auth_tokens.domain.errors import (
    AccessDenied,
    InvalidAccessToken,
    InvalidCredentials,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    NotFound,
    RateLimited,
    SessionLimitReached,
)
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.limits import PRESENTED_PER_TOKEN
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.devices import list_devices, rename_device
from auth_tokens.usecases.end_session import end_session, forget_device
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import INACTIVE, introspect
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.validate import validate
from auth_tokens.web.responses import token_response
from tests.support import wiring
from tests.support.world import CALLER, PASSWORD, World


def bearer(world: World, token: str | None) -> Validated:
    return validate(Credential(Transport.BEARER, token or ""), world.sessions.validation)


def test_login_opens_a_session_that_validates_with_the_users_labels(world: World) -> None:
    name = world.user()
    world.sql("INSERT INTO auth_user_label (user_id, label) VALUES (%s, 'admin')", world.user_id(name))

    answer = world.login(name)

    claims = bearer(world, answer.access_token).claims
    assert (claims.sub, claims.sid) == (world.user_id(name), answer.session_id)
    assert claims.labels == ("admin",)
    assert claims.amr == ("pwd",)


@pytest.mark.parametrize("spelling", [str.upper, lambda name: f" {name} "], ids=["upper case", "blanks"])
def test_another_spelling_of_the_user_name_is_the_same_user(world: World, spelling: object) -> None:
    name = world.user()

    assert world.login(spelling(name)).session_id  # type: ignore[operator]


def test_an_accent_makes_another_user_name_whatever_the_collation_says(world: World) -> None:
    name = world.user()

    with pytest.raises(InvalidCredentials):
        world.login(name.replace("e", "é"))


@pytest.mark.parametrize("case", ["unknown user", "wrong password", "disabled user"])
def test_a_failed_login_tells_nothing_of_its_reason(world: World, case: str) -> None:
    name = world.user()
    if case == "disabled user":
        world.disable(name)
    request = LoginRequest(
        "nobody@example.com" if case == "unknown user" else name,
        "wrong" if case == "wrong password" else PASSWORD,
    )

    with pytest.raises(InvalidCredentials) as refusal:
        login(request, CALLER, world.issuing)

    assert refusal.value.description == InvalidCredentials.description


def test_guessing_is_stopped_and_ends_by_itself(world: World) -> None:
    name = world.user()
    guess = LoginRequest(name, "wrong")
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            login(guess, CALLER, world.issuing)

    with pytest.raises(RateLimited) as refusal:
        login(guess, CALLER, world.issuing)

    world.clock.now += refusal.value.retry_after_s
    assert world.login(name)


def test_guesses_at_an_unknown_account_are_stopped_alike(world: World) -> None:
    guess = LoginRequest("nobody-at-all@example.com", "wrong")
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            login(guess, CALLER, world.issuing)

    with pytest.raises(RateLimited):
        login(guess, CALLER, world.issuing)


def test_a_success_clears_the_accounts_failures(world: World) -> None:
    name = world.user()
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(InvalidCredentials):
                login(LoginRequest(name, "wrong"), CALLER, world.issuing)
        world.login(name)
        world.clock.now += 10  # the source's own bucket drains meanwhile


def test_a_login_with_too_much_scope_opens_nothing(world: World) -> None:
    name = world.user()

    with pytest.raises(InvalidScope):
        world.login(name, scope="portal:admin")

    assert world.events(name) == []


def test_an_older_password_hash_is_upgraded_at_login(world: World) -> None:
    import bcrypt

    name = world.user()
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    world.sql("UPDATE auth_users SET password_hash = %s WHERE username = %s", old, name)

    world.login(name)

    [row] = world.sql("SELECT password_hash FROM auth_users WHERE username = %s", name)
    assert row["password_hash"].startswith("$argon2id$")
    assert world.login(name)


def test_a_trusted_backend_opens_a_session_with_its_own_amr(world: World) -> None:
    user_id = world.user_id(world.user())

    answer = issue(IssueRequest(user_id, ("mfa", "otp"), "high"), CALLER, world.issuing)

    claims = bearer(world, answer.access_token).claims
    assert (claims.amr, claims.acr) == (("mfa", "otp"), "high")


def test_a_trusted_backend_cannot_vouch_for_a_disabled_user(world: World) -> None:
    name = world.user()
    world.disable(name)

    with pytest.raises(AccessDenied):
        issue(IssueRequest(world.user_id(name), ("mfa",)), CALLER, world.issuing)


def test_the_session_limit_evicts_the_least_recently_used(world: World) -> None:
    name = world.user(max_sessions=2)
    first, second = world.login(name), world.login(name)
    world.clock.now += 5
    first = world.refresh(first.token)

    third = world.login(name)

    assert world.row(second.session_id)["revoke_reason"] == "evicted"
    assert bearer(world, first.access_token)
    assert bearer(world, third.access_token)


@pytest.mark.parametrize("action", LimitAction)
def test_the_session_limit_holds_under_twenty_parallel_sign_ins(world: World, action: LimitAction) -> None:
    """Ten by password (an account takes no more at once) and ten by a trusted backend, each on its own connection."""
    name = world.user(max_sessions=3)
    user_id = world.user_id(name)
    world.sql("UPDATE user_config SET session_limit_action = %s WHERE user_id = %s", action.value, user_id)
    environments = [wiring.issuing(world.environment()) for _ in range(20)]
    barrier = Barrier(len(environments))

    def attempt(index: int) -> str | None:
        deps = environments[index]
        barrier.wait()
        try:
            if index % 2:
                return issue(IssueRequest(user_id, ("sso",)), CALLER, deps).session_id
            return login(LoginRequest(name, PASSWORD), CALLER, deps).session_id
        except SessionLimitReached:
            return None

    with ThreadPoolExecutor(len(environments)) as pool:
        started = [session_id for session_id in pool.map(attempt, range(20)) if session_id]

    live = [s for s in started if world.row(s)["revoked_at"] is None]
    assert len(live) == 3
    assert len(started) == (3 if action is LimitAction.DENY else 20)
    assert world.events(name).count("session_evicted") == len(started) - 3


def test_logging_in_again_on_a_device_replaces_its_session(world: World) -> None:
    name = world.user()
    first = world.login(name, DeviceRequest(name="phone"))

    second = world.login(name, DeviceRequest(id=first.device_id))

    assert second.device_id == first.device_id
    assert world.row(first.session_id)["revoke_reason"] == "replaced"
    assert world.events(name).count("new_device") == 1


def test_another_users_device_id_is_not_taken_over(world: World) -> None:
    theirs = world.login(world.user(), DeviceRequest(name="phone"))

    mine = world.login(world.user(), DeviceRequest(id=theirs.device_id))

    assert mine.device_id != theirs.device_id
    assert bearer(world, theirs.access_token)


def exchange(world: World, device_token: str | None, **options: Any) -> TokenAnswer:
    chosen = SessionOptions(**options)
    return exchange_device_token(ExchangeRequest(device_token or "", chosen), CALLER, world.issuing)


def test_a_device_token_opens_a_session_without_password_and_is_rotated(world: World) -> None:
    first = world.login(world.user(), DeviceRequest(remember=True))

    second = exchange_device_token(ExchangeRequest(first.device_token or ""), CALLER, world.issuing)

    assert second.device_token not in (None, first.device_token)
    assert second.device_id == first.device_id
    assert bearer(world, second.access_token).claims.amr == ("swk",)
    assert world.row(first.session_id)["revoke_reason"] == "replaced"


def test_a_repeated_exchange_gets_the_same_session_and_writes_nothing(world: World) -> None:
    name = world.user()
    first = world.login(name, DeviceRequest(remember=True))
    second = exchange_device_token(ExchangeRequest(first.device_token or ""), CALLER, world.issuing)
    kept, events = world.rows_of(name), world.events(name)

    for _ in range(20):
        again = exchange_device_token(ExchangeRequest(first.device_token or ""), CALLER, world.issuing)

        assert (again.session_id, again.token) == (second.session_id, second.token)
        assert again.device_token == second.device_token
        assert again.is_repeat
    assert (world.rows_of(name), world.events(name)) == (kept, events)
    assert bearer(world, again.access_token)


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_two_windows_restored_with_one_device_token_share_one_living_session(
    world: World, kind: TokenKind
) -> None:
    name = world.user()
    first = world.login(name, DeviceRequest(remember=True))
    one = exchange(world, first.device_token, kind=kind)
    one = world.refresh(one.token, kind=kind)

    other = exchange(world, first.device_token, kind=kind)

    assert (other.session_id, other.token) == (one.session_id, one.token)
    successor = world.refresh(other.token, kind=kind)
    assert world.refresh(one.token, kind=kind).token == successor.token
    assert "token_reuse_detected" not in world.events(name)


def test_parallel_exchanges_of_one_token_open_one_session(world: World) -> None:
    token = world.login(world.user(), DeviceRequest(remember=True)).device_token or ""
    environments = [wiring.issuing(world.environment()) for _ in range(10)]
    barrier = Barrier(len(environments))

    def attempt(deps: IssueDeps) -> tuple[str, str, str | None]:
        barrier.wait()
        answer = exchange_device_token(ExchangeRequest(token), CALLER, deps)
        return answer.session_id, answer.token, answer.device_token

    with ThreadPoolExecutor(len(environments)) as pool:
        assert len(set(pool.map(attempt, environments))) == 1


def test_a_lost_exchange_is_asked_for_again_days_later_with_its_key(world: World) -> None:
    first = world.login(world.user(), DeviceRequest(remember=True))
    request = ExchangeRequest(first.device_token or "", retry_key="k1")
    lost = exchange_device_token(request, CALLER, world.issuing)
    world.clock.now += 86_400

    again = exchange_device_token(request, CALLER, world.issuing)

    assert (again.session_id, again.token, again.device_token) == (
        lost.session_id,
        lost.token,
        lost.device_token,
    )


def test_a_repeat_in_another_mode_is_refused_and_spends_nothing(world: World) -> None:
    first = world.login(world.user(), DeviceRequest(remember=True))
    second = exchange(world, first.device_token)

    with pytest.raises(InvalidRequest, match="mode"):
        exchange(world, first.device_token, kind=TokenKind.SESSION)

    assert exchange(world, first.device_token).token == second.token


def test_a_repeated_exchange_of_a_session_that_was_logged_out_opens_none(world: World) -> None:
    name = world.user()
    first = world.login(name, DeviceRequest(remember=True))
    second = exchange(world, first.device_token)
    revoke_token(second.token, None, CALLER, world.sessions)

    with pytest.raises(InvalidGrant):
        exchange(world, first.device_token)

    assert "token_reuse_detected" not in world.events(name)


def test_a_narrowed_grant_stays_narrow_through_a_device_token(world: World) -> None:
    first = world.login(world.user(), DeviceRequest(remember=True), scope="portal:read")

    second = exchange(world, first.device_token)
    third = exchange(world, second.device_token)

    assert [answer.scope for answer in (second, third)] == ["portal:read"] * 2
    with pytest.raises(InvalidScope):
        exchange(world, third.device_token, scope="portal:write")


def test_a_device_remembered_anew_has_the_scope_of_that_sign_in(world: World) -> None:
    name = world.user()
    narrow = world.login(name, DeviceRequest(remember=True), scope="portal:read")

    wide = world.login(name, DeviceRequest(id=narrow.device_id, remember=True))

    assert exchange(world, wide.device_token).scope == "portal:read portal:write"


def test_a_browser_that_asked_to_be_remembered_is_told_its_device_token(world: World) -> None:
    first = world.login(world.user(), DeviceRequest(remember=True), kind=TokenKind.SESSION)

    second = exchange(world, first.device_token, kind=TokenKind.SESSION)

    for answer in (first, second):
        assert token_response(answer).body["device_token"] == answer.device_token


def test_a_genuine_token_is_shown_so_often_and_no_more(world: World) -> None:
    """Repeats and dead tokens count like first calls, before any statement."""
    deps = wiring.issuing(world.environment())
    answer = world.login(world.user())
    revoke_token(answer.token, None, CALLER, world.sessions)

    for _ in range(PRESENTED_PER_TOKEN.burst):
        with pytest.raises(InvalidGrant):
            refresh(RefreshRequest(answer.token), CALLER, deps)
    with pytest.raises(RateLimited):
        refresh(RefreshRequest(answer.token), CALLER, deps)

    assert refresh(RefreshRequest(world.login(world.user()).token), CALLER, deps)


def test_devices_of_a_user_are_bounded_and_those_without_a_token_go_first(fresh_world: World) -> None:
    world = fresh_world
    world.issuing = replace(
        world.issuing, policy=replace(world.issuing.policy, max_devices=3, max_sessions=2)
    )
    user_id = world.user_id(world.user())

    def sign_in(name: str, **options: Any) -> TokenAnswer:
        world.clock.now += 1
        device = DeviceRequest(name=name, **options)
        return issue(
            IssueRequest(user_id, ("sso",), options=SessionOptions(device=device)), CALLER, world.issuing
        )

    remembered = sign_in("remembered", remember=True)
    for name in ("a", "b", "c", "d"):
        sign_in(name)

    def names() -> set[str]:
        return {device.metadata.name for device in list_devices(user_id, 100, None, world.sessions).devices}

    assert names() == {"remembered", "c", "d"}
    assert exchange(world, remembered.device_token)
    sign_in("e")
    assert names() == {"remembered", "d", "e"}


def test_a_spent_device_token_ends_the_device_and_its_sessions(world: World) -> None:
    first = world.login(world.user(), DeviceRequest(remember=True))
    second = exchange_device_token(ExchangeRequest(first.device_token or ""), CALLER, world.issuing)
    world.clock.now += 60

    with pytest.raises(InvalidGrant):
        exchange(world, first.device_token)

    with pytest.raises(InvalidGrant):
        world.refresh(second.token)
    with pytest.raises(InvalidGrant):
        exchange(world, second.device_token)


def test_an_exchange_with_too_much_scope_spends_nothing(world: World) -> None:
    first = world.login(world.user(), DeviceRequest(remember=True))

    with pytest.raises(InvalidScope):
        exchange(world, first.device_token, scope="portal:admin")

    assert world.row(first.device_id)["generation"] == 0


def test_remembering_a_device_anew_kills_its_old_token(world: World) -> None:
    name = world.user()
    first = world.login(name, DeviceRequest(remember=True))

    second = world.login(name, DeviceRequest(id=first.device_id, remember=True))

    with pytest.raises(InvalidGrant):
        exchange(world, first.device_token)
    assert second.device_token != first.device_token


def test_logout_ends_this_session_only(world: World) -> None:
    name = world.user()
    here, elsewhere = world.login(name), world.login(name)

    logout(LogoutScope.CURRENT, bearer(world, here.access_token).claims, CALLER, world.sessions)

    with pytest.raises(InvalidAccessToken):
        bearer(world, here.access_token)
    with pytest.raises(InvalidGrant):
        world.refresh(here.token)
    assert bearer(world, elsewhere.access_token)


def test_logout_elsewhere_keeps_this_session_and_its_device(world: World) -> None:
    name = world.user()
    here, elsewhere = world.login(name, DeviceRequest(remember=True)), world.login(name)

    ended = logout(LogoutScope.OTHERS, bearer(world, here.access_token).claims, CALLER, world.sessions)

    assert ended == 2
    assert bearer(world, here.access_token)
    with pytest.raises(InvalidAccessToken):
        bearer(world, elsewhere.access_token)
    assert exchange(world, here.device_token)


def test_logout_everywhere_ends_every_session_and_device(world: World) -> None:
    name = world.user()
    here, elsewhere = world.login(name, DeviceRequest(remember=True)), world.login(name)

    logout(LogoutScope.ALL, bearer(world, here.access_token).claims, CALLER, world.sessions)

    for answer in (here, elsewhere):
        with pytest.raises(InvalidAccessToken):
            bearer(world, answer.access_token)
    with pytest.raises(InvalidGrant):
        exchange(world, here.device_token)


def test_another_users_session_and_an_unknown_one_are_not_found_alike(world: World) -> None:
    theirs = world.login(world.user())
    me = world.user_id(world.user())

    for session_id in (theirs.session_id, "01890000-0000-7000-8000-000000000000", "../x", "%"):
        with pytest.raises(NotFound):
            end_session(session_id, me, CALLER, world.sessions)

    assert bearer(world, theirs.access_token)


def test_ending_a_session_twice_is_harmless(world: World) -> None:
    name = world.user()
    answer = world.login(name)

    end_session(answer.session_id, world.user_id(name), CALLER, world.sessions)
    end_session(answer.session_id, world.user_id(name), CALLER, world.sessions)

    assert world.events(name).count("session_revoked") == 1


def test_forgetting_a_device_ends_its_token_and_sessions(world: World) -> None:
    name = world.user()
    answer = world.login(name, DeviceRequest(remember=True))

    forget_device(answer.device_id, world.user_id(name), CALLER, world.sessions)

    with pytest.raises(InvalidAccessToken):
        bearer(world, answer.access_token)
    with pytest.raises(InvalidGrant):
        exchange(world, answer.device_token)
    assert list_devices(world.user_id(name), None, None, world.sessions).devices == []


def test_a_device_is_renamed_by_its_owner_only(world: World) -> None:
    name = world.user()
    answer = world.login(name, DeviceRequest(name="phone", platform="ios"))

    with pytest.raises(NotFound):
        rename_device(answer.device_id, world.user_id(world.user()), "mine", world.sessions)
    rename_device(answer.device_id, world.user_id(name), "Álf's phone <b>", world.sessions)

    [device] = list_devices(world.user_id(name), None, None, world.sessions).devices
    assert (device.metadata.name, device.metadata.platform) == ("Álf's phone <b>", "ios")


def test_revoking_a_refresh_token_ends_its_session(world: World) -> None:
    answer = world.login(world.user())

    revoke_token(answer.token, None, CALLER, world.sessions)

    with pytest.raises(InvalidGrant):
        world.refresh(answer.token)
    with pytest.raises(InvalidAccessToken):
        bearer(world, answer.access_token)


def test_revoking_an_access_token_ends_that_one_only(world: World) -> None:
    answer = world.login(world.user())
    other = world.refresh(answer.token)

    revoke_token(answer.access_token or "", None, CALLER, world.sessions)

    with pytest.raises(InvalidAccessToken):
        bearer(world, answer.access_token)
    assert introspect(answer.access_token or "", world.sessions) == INACTIVE
    assert bearer(world, other.access_token)


@pytest.mark.parametrize("token", ["garbage", "aut_rt_x", "a.b.c", "é" * 50, "\x00"])
def test_revoking_nonsense_is_no_error(world: World, token: str) -> None:
    revoke_token(token, None, CALLER, world.sessions)


def test_another_client_cannot_revoke(world: World) -> None:
    answer = world.login(world.user())

    revoke_token(answer.token, "portal-app", CALLER, world.sessions)
    revoke_token(answer.access_token or "", "portal-app", CALLER, world.sessions)

    assert bearer(world, answer.access_token)


def test_everything_of_a_user_ends_once(world: World) -> None:
    name = world.user()
    answer = world.login(name, DeviceRequest(remember=True))
    world.login(name)

    ended = revoke_user(world.user_id(name), RevokeReason.USER_DISABLED, "", world.sessions)
    again = revoke_user(world.user_id(name), RevokeReason.USER_DISABLED, "", world.sessions)

    assert (ended, again) == (4, 0)
    assert world.events(name).count("user_revoked") == 1
    with pytest.raises(InvalidAccessToken):
        bearer(world, answer.access_token)


def test_the_list_pages_through_a_users_sessions_newest_use_first(world: World) -> None:
    name = world.user()
    started = []
    for _ in range(5):
        started.append(world.login(name).session_id)
        world.clock.now += 1
    user_id = world.user_id(name)

    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = list_sessions(user_id, 2, cursor, world.sessions)
        seen += [str(_uuid(view.record.id)) for view in page.sessions]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == started[::-1]


def test_a_cursor_of_one_user_shows_nothing_of_them_to_another(world: World) -> None:
    owner, other = world.user(), world.user()
    for _ in range(3):
        world.login(owner)
    cursor = list_sessions(world.user_id(owner), 1, None, world.sessions).next_cursor

    page = list_sessions(world.user_id(other), 10, cursor, world.sessions)

    assert page.sessions == []


def test_the_owner_sees_where_a_session_came_from_and_the_database_does_not(world: World) -> None:
    name = world.user()
    answer = world.login(name)

    [view] = list_sessions(world.user_id(name), 10, None, world.sessions).sessions

    assert view.metadata.address == CALLER.address
    assert CALLER.address.encode() not in world.row(answer.session_id)["metadata"]


def test_a_browser_session_validates_by_cookie_and_needs_its_csrf_token_to_change_anything(
    world: World,
) -> None:
    answer = world.login(world.user(), kind=TokenKind.SESSION)

    def cookie(**fields: object) -> Validated:
        return validate(Credential(Transport.COOKIE, answer.token, **fields), world.sessions.validation)  # type: ignore[arg-type]

    assert cookie().claims.sid == answer.session_id
    assert cookie(changes_state=True, csrf_token=answer.csrf_token).claims.sid == answer.session_id
    for wrong in (None, "", "x" * 43):
        with pytest.raises(AccessDenied):
            cookie(changes_state=True, csrf_token=wrong)


def test_a_browser_sessions_use_is_noted_once_a_minute_and_moves_its_idle_end(world: World) -> None:
    answer = world.login(world.user(session_idle_ttl_s=600), kind=TokenKind.SESSION)
    credential = Credential(Transport.COOKIE, answer.token)
    born = world.row(answer.session_id)

    world.clock.now += 59
    validate(credential, world.sessions.validation)
    assert world.row(answer.session_id)["expires_at"] == born["expires_at"]

    world.clock.now += 1
    validate(credential, world.sessions.validation)
    assert world.row(answer.session_id)["expires_at"] > born["expires_at"]


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_introspection_of_an_opaque_token_follows_its_life(world: World, kind: TokenKind) -> None:
    answer = world.login(world.user(), kind=kind)
    assert introspect(answer.token, world.sessions)["active"] is True

    successor = world.refresh(answer.token, kind=kind)

    if kind is TokenKind.SESSION:  # requests under way come in with the cookie before, as at the authorizer
        assert introspect(answer.token, world.sessions)["active"] is True
        world.clock.now += world.settings.retry_window_s
    assert introspect(answer.token, world.sessions) == INACTIVE
    assert introspect(successor.token, world.sessions)["token_use"] == kind.value


def test_a_disabled_users_access_token_is_refused_by_our_own_routes_at_once(world: World) -> None:
    name = world.user()
    answer = world.login(name)

    world.disable(name)

    with pytest.raises(InvalidAccessToken):
        bearer(world, answer.access_token)


def _uuid(raw: bytes) -> object:
    import uuid

    return uuid.UUID(bytes=raw)
