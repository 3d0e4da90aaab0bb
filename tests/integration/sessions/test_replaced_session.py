"""A sign-in with a live session cookie ends that session, whoever's it is; any other cookie changes nothing."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import (
    InvalidAccessToken,
    InvalidCredentials,
    InvalidScope,
    SessionLimitReached,
)
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.validate import validate
from local.stack import LocalStack
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.integration.sessions.test_csrf_token import Tab
from tests.security.test_cross_site import ELSEWHERE, Victim
from tests.support import wiring
from tests.support.world import CALLER, PASSWORD, World

MODES = [TokenKind.SESSION, TokenKind.REFRESH]


class SignIns:
    """The three ways in, each with a cookie that the browser had."""

    def __init__(self, world: World) -> None:
        self.world = world

    def by(self, way: str, name: str, cookie: str | None, **options: Any) -> TokenAnswer:
        return getattr(self, way)(name, SessionOptions(cookie=cookie, **options))  # type: ignore[no-any-return]

    def login(self, name: str, options: SessionOptions) -> TokenAnswer:
        return login(LoginRequest(name, PASSWORD, options), CALLER, self.world.issuing)

    def issue(self, name: str, options: SessionOptions) -> TokenAnswer:
        request = IssueRequest(self.world.user_id(name), ("mfa",), options=options)
        return issue(request, CALLER, self.world.issuing)

    def exchange(self, name: str, options: SessionOptions) -> TokenAnswer:
        device_token = self.world.login(name, device=DeviceRequest(remember=True)).device_token or ""
        return exchange_device_token(ExchangeRequest(device_token, options), CALLER, self.world.issuing)


WAYS = ["login", "issue", "exchange"]


@pytest.fixture
def sign_ins(world: World) -> SignIns:
    return SignIns(world)


def cookie_session(world: World, name: str) -> TokenAnswer:
    return world.login(name, kind=TokenKind.SESSION)


def is_live(world: World, answer: TokenAnswer) -> bool:
    return world.row(answer.session_id)["revoked_at"] is None


@pytest.mark.parametrize("kind", MODES, ids=lambda kind: kind.value)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("owner", ["the same user", "another user"])
def test_a_sign_in_with_a_live_cookie_ends_its_session(
    world: World, sign_ins: SignIns, way: str, kind: TokenKind, owner: str
) -> None:
    name = world.user()
    before = cookie_session(world, name if owner == "the same user" else world.user())

    after = sign_ins.by(way, name, before.token, kind=kind)

    assert world.row(before.session_id)["revoke_reason"] == "replaced"
    assert is_live(world, after)
    with pytest.raises(InvalidAccessToken):
        validate(Credential(Transport.COOKIE, before.token), world.sessions.validation)


@pytest.mark.parametrize("owner", ["the same user", "another user"])
def test_its_own_user_is_told_once(world: World, sign_ins: SignIns, owner: str) -> None:
    name = world.user()
    loser = name if owner == "the same user" else world.user()
    before = cookie_session(world, loser)

    sign_ins.by("login", name, before.token, kind=TokenKind.SESSION)

    told = world.sql(
        "SELECT type, session_id FROM auth_token_events WHERE user_id = %s AND type = 'session_revoked'",
        world.user_id(loser),
    )
    assert [row["session_id"] for row in told] == [uuid.UUID(before.session_id).bytes]
    assert "session_evicted" not in world.events(loser)


def test_a_session_on_the_same_device_is_replaced_once_and_silently(world: World, sign_ins: SignIns) -> None:
    name = world.user()
    before = cookie_session(world, name)

    sign_ins.by(
        "login", name, before.token, kind=TokenKind.SESSION, device=DeviceRequest(id=before.device_id)
    )

    assert world.row(before.session_id)["revoke_reason"] == "replaced"
    assert "session_revoked" not in world.events(name)


def test_the_session_that_is_left_makes_room_for_the_new_one(world: World, sign_ins: SignIns) -> None:
    name = world.user(max_sessions=2, session_limit_action="deny")
    kept, before = world.login(name), cookie_session(world, name)
    with pytest.raises(SessionLimitReached):
        sign_ins.by("login", name, None)

    after = sign_ins.by("login", name, before.token)

    assert [is_live(world, answer) for answer in (kept, before, after)] == [True, False, True]


def test_another_user_s_session_makes_no_room(world: World, sign_ins: SignIns) -> None:
    name = world.user(max_sessions=1, session_limit_action="deny")
    kept, other = world.login(name), cookie_session(world, world.user())

    with pytest.raises(SessionLimitReached):
        sign_ins.by("login", name, other.token)

    assert is_live(world, kept)
    assert is_live(world, other)


def test_the_predecessor_within_the_retry_window_stands_for_its_session(
    world: World, sign_ins: SignIns
) -> None:
    name = world.user()
    before = cookie_session(world, name)
    world.refresh(before.token, kind=TokenKind.SESSION)

    sign_ins.by("login", name, before.token)

    assert world.row(before.session_id)["revoke_reason"] == "replaced"


def _forged(world: World, answer: TokenAnswer) -> str:
    return answer.token[:-1] + ("A" if answer.token[-1] != "A" else "B")


def _of_a_dead_session(world: World, answer: TokenAnswer) -> str:
    revoke_token(answer.token, None, CALLER, world.sessions)
    return answer.token


def _late_with_a_key(world: World, answer: TokenAnswer) -> str:
    world.refresh(answer.token, kind=TokenKind.SESSION, retry_key="saved")
    world.clock.now += world.settings.retry_window_s
    return answer.token


def _of_a_disabled_user(world: World, answer: TokenAnswer) -> str:
    world.sql("UPDATE auth_users SET status = 'disabled' WHERE id = %s", user_of(world, answer))
    return answer.token


def _of_a_user_who_is_gone(world: World, answer: TokenAnswer) -> str:
    world.sql("DELETE FROM auth_users WHERE id = %s", user_of(world, answer))
    return answer.token


def _expired(world: World, answer: TokenAnswer) -> str:
    world.clock.now += world.settings.session_idle_ttl_s
    return answer.token


def user_of(world: World, answer: TokenAnswer) -> str:
    return str(world.row(answer.session_id)["user_id"])


USELESS: dict[str, Callable[[World, TokenAnswer], str]] = {
    "empty": lambda world, answer: "",
    "nonsense": lambda world, answer: "x" * 5000,
    "no text of ours": lambda world, answer: "\u2000" + answer.token,
    "forged": _forged,
    "a refresh token": lambda world, answer: world.login(world.user()).token,
    "a device token": lambda world, answer: str(
        world.login(world.user(), device=DeviceRequest(remember=True)).device_token
    ),
    "of a dead session": _of_a_dead_session,
    "of an expired session": _expired,
    "of a disabled user": _of_a_disabled_user,
    "of a user who is gone": _of_a_user_who_is_gone,
    "late, and its rotation can be repeated by a key": _late_with_a_key,
}


@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS)
def test_a_cookie_that_is_good_for_nothing_changes_nothing_and_hinders_no_sign_in(
    world: World, sign_ins: SignIns, useless: Callable[[World, TokenAnswer], str]
) -> None:
    before = cookie_session(world, world.user())
    cookie = useless(world, before)
    row = world.row(before.session_id)

    after = sign_ins.by("login", world.user(), cookie, kind=TokenKind.SESSION)

    assert is_live(world, after)
    assert world.row(before.session_id) == row


def test_a_spent_cookie_is_reuse_here_too_and_hinders_no_sign_in(world: World, sign_ins: SignIns) -> None:
    owner = world.user()
    before = cookie_session(world, owner)
    again = world.refresh(before.token, kind=TokenKind.SESSION)
    world.refresh(again.token, kind=TokenKind.SESSION)

    after = sign_ins.by("login", world.user(), before.token, kind=TokenKind.SESSION)

    assert is_live(world, after)
    assert world.row(before.session_id)["revoke_reason"] == "reuse"
    assert world.events(owner).count("token_reuse_detected") == 1


def test_a_refused_sign_in_ends_nothing(world: World, sign_ins: SignIns) -> None:
    before = cookie_session(world, world.user())
    name = world.user()

    with pytest.raises(InvalidCredentials):
        login(LoginRequest(name, "wrong", SessionOptions(cookie=before.token)), CALLER, world.issuing)
    with pytest.raises(InvalidScope):
        sign_ins.by("login", name, before.token, scope="everything")

    assert is_live(world, before)


def test_a_repeated_issue_with_the_cookie_that_it_gave_ends_nothing(world: World) -> None:
    user_id = world.user_id(world.user())

    def once(cookie: str | None) -> TokenAnswer:
        options = SessionOptions(kind=TokenKind.SESSION, cookie=cookie)
        return issue(IssueRequest(user_id, ("mfa",), options=options, retry_key="k"), CALLER, world.issuing)

    first = once(None)
    again = once(first.token)

    assert (again.session_id, again.token) == (first.session_id, first.token)
    assert is_live(world, first)


def test_a_repeated_exchange_with_the_cookie_that_it_gave_ends_nothing(world: World) -> None:
    name = world.user()
    device_token = world.login(name, device=DeviceRequest(remember=True)).device_token or ""

    def once(cookie: str | None) -> TokenAnswer:
        options = SessionOptions(kind=TokenKind.SESSION, cookie=cookie)
        return exchange_device_token(ExchangeRequest(device_token, options), CALLER, world.issuing)

    first = once(None)
    again = once(first.token)

    assert (again.session_id, again.token) == (first.session_id, first.token)
    assert is_live(world, first)


def test_a_live_cookie_costs_a_sign_in_one_select_and_one_update(world: World, sign_ins: SignIns) -> None:
    name = world.user()
    device = DeviceRequest(id=world.login(name).device_id)
    sign_ins.by("login", name, None, device=device)
    plain = cost(world, lambda: sign_ins.by("login", name, None, device=device))
    before = cookie_session(world, world.user())

    with_cookie = cost(world, lambda: sign_ins.by("login", name, before.token, device=device))

    # Its own session on the device ends in the same UPDATE, and the event goes with the others.
    assert with_cookie == {**plain, "Com_select": plain["Com_select"] + 1}


def test_a_forged_cookie_costs_a_sign_in_nothing(world: World, sign_ins: SignIns) -> None:
    name = world.user()
    forged = _forged(world, cookie_session(world, world.user()))
    sign_ins.by("login", name, None)  # so that what is cached for a while is fresh
    plain = cost(world, lambda: sign_ins.by("login", name, None))

    assert cost(world, lambda: sign_ins.by("login", name, forged)) == plain
    assert plain != NOTHING


def test_two_browsers_that_swap_their_cookies_both_get_in(world: World) -> None:
    """Each ends the other's session while it starts its own: 50 rounds at a barrier."""
    names = [world.user(), world.user()]
    fleet = [wiring.issuing(world.environment()) for _ in names]
    for _ in range(50):
        world.clock.now += 10  # for the limits
        cookies = [cookie_session(world, name) for name in names]
        barrier, answers = threading.Barrier(2), [None, None]

        def sign_in(
            place: int,
            cookies: list[TokenAnswer] = cookies,
            barrier: threading.Barrier = barrier,
            answers: list[Any] = answers,
        ) -> None:
            request = IssueRequest(
                world.user_id(names[place]), ("mfa",), options=SessionOptions(cookie=cookies[1 - place].token)
            )
            barrier.wait()
            answers[place] = issue(request, CALLER, fleet[place])

        threads = [threading.Thread(target=sign_in, args=(place,)) for place in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert not any(is_live(world, cookie) for cookie in cookies)
        for answer in answers:
            assert answer is not None
            claims = validate(
                Credential(Transport.BEARER, answer.access_token or ""), world.sessions.validation
            ).claims
            logout(LogoutScope.CURRENT, claims, CALLER, world.sessions)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", ["cookie", "bearer"])
def test_over_http_a_browser_that_signs_in_anew_leaves_its_session(
    stack: LocalStack, way: str, mode: str
) -> None:
    tab = Tab(stack)

    reply = over_http(stack, way, mode, {"Cookie": tab.cookie})

    assert reply.status == 200, reply.shortened()
    assert tab.ask().status == 401


@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize("mode", ["cookie", "bearer"])
def test_a_page_of_elsewhere_ends_no_session(stack: LocalStack, mode: str, headers: dict[str, str]) -> None:
    tab = Tab(stack)
    sent = {name: value.replace("{own}", stack.base_url) for name, value in headers.items()}

    reply = over_http(stack, "exchange", mode, {"Cookie": tab.cookie, **sent})

    assert reply.status == (403 if mode == "cookie" else 200)
    assert tab.ask().status == 200


def test_a_cookie_that_came_twice_ends_no_session(stack: LocalStack) -> None:
    tab = Tab(stack)

    reply = over_http(stack, "issue", "cookie", {"Cookie": f"{tab.cookie}; {tab.cookie}"})

    assert reply.status == 200
    assert tab.ask().status == 200


def over_http(stack: LocalStack, way: str, mode: str, headers: dict[str, str]) -> Any:
    other = Victim(stack)
    return other.send("exchange by a form" if way == "exchange" else way, headers, mode)
