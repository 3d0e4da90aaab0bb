"""What a session does with each answer of the service, each state of the store, and time."""

import asyncio
import json
from typing import Any

import pytest

from auth_user_tokens import AuthError, MemoryStore, SignedOut, SignedOutEvent, StoreError, Unreachable
from auth_user_tokens.wire import Reply
from tests.clients.python.lab import ISSUER, NONE, OVER, Lab, answer, reply

HTML = {"content-type": "text/html"}
PAGE = b"<html>Sign in to the network</html>"


@pytest.fixture
def lab() -> Lab:
    return Lab()


# Time


def test_a_fresh_token_is_used_and_nothing_is_sent(lab: Lab) -> None:
    session = lab.signed_in()
    lab.clock.passes(449)

    assert session.access_token() == "access-0"
    assert lab.sent == []


def test_a_due_token_is_refreshed_by_the_key_that_the_store_gives(lab: Lab) -> None:
    session = lab.signed_in()
    lab.clock.passes(450)

    assert session.access_token() == "access-1"
    assert lab.form(0) == {"grant_type": "refresh_token", "refresh_token": "refresh-0"}
    assert len(lab.key(0)) == 64
    assert lab.told() == ["Refreshed"]


def test_a_due_token_is_used_where_its_refresh_fails_and_not_tried_again_too_soon(lab: Lab) -> None:
    session = lab.signed_in()
    lab.clock.passes(450)
    lab.answers = [reply(503, {"error": "temporarily_unavailable"}, retry_after="20")]

    assert session.access_token() == "access-0"
    lab.clock.passes(19.9)
    assert session.access_token() == "access-0"

    assert len(lab.sent) == 1
    [told] = lab.events
    assert isinstance(told, Unreachable)
    assert 20 <= told.retry_at - told.since <= 40


def test_an_expired_token_waits_for_a_new_one(lab: Lab) -> None:
    session = lab.signed_in()
    lab.clock.passes(600)
    lab.answers = [NONE, reply(500, {"error": "server_error"}), reply(503, {}, retry_after="5")]

    assert session.access_token() == "access-1"
    assert len(lab.sent) == 4
    assert lab.waits[-1] >= 5
    assert len({lab.key(n) for n in range(4)}) == 1, "one key for all tries of a token"


def test_who_has_waited_long_enough_is_told_when_to_come_back(lab: Lab) -> None:
    session = lab.signed_in(retry_for_s=60)
    lab.clock.passes(600)
    lab.answers = [reply(429, {"error": "rate_limited"}, retry_after="61")]

    with pytest.raises(AuthError) as error:
        session.access_token()

    assert (error.value.code, error.value.status) == ("rate_limited", 429)
    assert 61 <= (error.value.retry_after_s or 0) <= 122
    assert lab.waits == []
    assert session.info() is not None


def test_the_next_token_has_the_next_key(lab: Lab) -> None:
    session = lab.signed_in()
    for _ in range(3):
        lab.clock.passes(600)
        session.access_token()

    assert [lab.form(n)["refresh_token"] for n in range(3)] == ["refresh-0", "refresh-1", "refresh-2"]
    assert len({lab.key(n) for n in range(3)}) == 3


def test_two_processes_send_one_token_with_one_key(lab: Lab) -> None:
    one, other = lab.signed_in(), lab.session()
    lab.clock.passes(600)
    lab.answers = [reply(503, {}, retry_after="100"), reply(503, {}, retry_after="100")]

    for session in (one, other):
        with pytest.raises(AuthError):
            session.access_token()

    assert lab.form(0) == lab.form(1)
    assert lab.key(0) == lab.key(1)


def test_a_token_that_another_process_has_refreshed_is_taken_from_the_store(lab: Lab) -> None:
    one, other = lab.signed_in(), lab.session()
    lab.clock.passes(600)

    assert one.access_token() == other.access_token() == "access-1"
    assert len(lab.sent) == 1


@pytest.mark.parametrize("jump", [3600, -3600, 86_400])
def test_a_clock_that_is_set_neither_ages_a_token_nor_keeps_it_young(lab: Lab, jump: float) -> None:
    session = lab.signed_in()
    lab.clock.wall += jump

    assert session.access_token() == "access-0"
    lab.clock.passes(601)
    assert session.access_token() == "access-1"
    assert len(lab.sent) == 1


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_tokens_that_another_clock_dated_are_first_spent_a_time_out_after_they_were_seen(
    lab: Lab, jump: float
) -> None:
    lab.clock.steady = 86_400
    lab.signed_in()
    lab.clock.wall += jump
    lab.clock.passes(4200 - jump)  # either way the clock shows a token of 4,200 s

    assert lab.session().access_token() == "access-1"
    assert lab.waits == [10.0]


def test_a_good_token_that_another_clock_dated_is_used_until_then(lab: Lab) -> None:
    lab.clock.steady = 86_400
    lab.signed_in()
    lab.clock.wall += 500  # it looks due
    other = lab.session()

    other.access_token()
    lab.clock.passes(9.9)
    assert other.access_token() == "access-0"
    lab.clock.passes(0.1)
    assert other.access_token() == "access-1"
    assert lab.waits == []


@pytest.mark.parametrize(("set_by_s", "waits"), [(4.9, []), (-4.9, []), (5.0, [10.0]), (-5.0, [10.0])])
def test_clocks_that_differ_by_less_than_five_seconds_are_one(
    lab: Lab, set_by_s: float, waits: list[float]
) -> None:
    lab.clock.steady = 86_400
    lab.signed_in()
    lab.clock.passes(700)
    lab.clock.wall += set_by_s

    assert lab.session().access_token() == "access-1"
    assert lab.waits == waits


@pytest.mark.parametrize(("up_s", "waits"), [(699, []), (701, [10.0])])
def test_tokens_of_two_hours_before_this_machine_started_are_spent_at_once(
    lab: Lab, up_s: float, waits: list[float]
) -> None:
    lab.signed_in()
    lab.clock.passes(7900)
    lab.clock.steady = up_s

    assert lab.session().access_token() == "access-1"
    assert lab.waits == waits


def test_a_record_of_before_clocks_were_kept_is_read_and_its_token_spent_after_a_time_out(lab: Lab) -> None:
    lab.clock.steady = 86_400
    lab.signed_in()
    record = json.loads(lab.store.get() or "")
    del record["session"]["clock_zero"]
    lab.store.swap(lab.store.get(), json.dumps(record))
    lab.clock.passes(601)

    assert lab.session().access_token() == "access-1"
    assert lab.waits == [10.0]


def test_a_member_that_a_later_release_adds_is_ignored(lab: Lab) -> None:
    lab.signed_in()
    record = json.loads(lab.store.get() or "")
    record["session"]["later"] = record["later"] = "?"
    lab.store.swap(lab.store.get(), json.dumps(record))

    assert lab.session().access_token() == "access-0"


def test_after_a_day_asleep_one_refresh_goes_on(lab: Lab) -> None:
    session = lab.signed_in()
    lab.clock.passes(86_400)

    assert session.access_token() == "access-1"
    assert len(lab.sent) == 1


@pytest.mark.parametrize(("min_life_s", "token"), [(0, "access-0"), (150, "access-0"), (151, "access-1")])
def test_a_caller_gets_a_token_that_lives_as_long_as_asked(lab: Lab, min_life_s: float, token: str) -> None:
    session = lab.signed_in(refresh_at=0.9)
    lab.clock.passes(450)

    assert session.access_token(min_life_s) == token


def test_a_wish_that_is_longer_than_any_life_makes_no_loop(lab: Lab) -> None:
    session = lab.signed_in()

    for _ in range(20):
        session.access_token(min_life_s=3600)

    assert lab.sent == []


def test_an_answer_that_comes_after_the_time_out_is_asked_for_again(lab: Lab) -> None:
    session = lab.signed_in()
    lab.clock.passes(600)

    def after_a_sleep() -> Reply:
        lab.clock.passes(3600)
        return OVER

    lab.answers = [after_a_sleep]

    assert session.access_token() == "access-1"
    assert lab.form(0) == lab.form(1)


# Answers

BAD_ANSWERS = {
    "a page of a proxy, 200": Reply(200, HTML, PAGE),
    "a page of a proxy, 502": Reply(502, HTML, PAGE),
    "the right body of a wrong type": Reply(200, HTML, json.dumps(answer(1)).encode()),
    "half a body": reply(200, json.dumps(answer(1)).encode()[:-9]),
    "not even text": reply(200, b"\xff\xfe"),
    "a list": reply(200, []),
    "an empty body": reply(200, b""),
    "no refresh token": reply(
        200, {name: value for name, value in answer(1).items() if name != "refresh_token"}
    ),
    "an empty access token": reply(200, answer(1, access_token="")),
    "tokens in each other's place": reply(200, answer(1, access_token="aut_rt_1", refresh_token="a.b.c")),
    "a device token for a refresh token": reply(200, answer(1, refresh_token="aut_dt_1")),
    "a token with a line break": reply(200, answer(1, access_token="a\r\nX-Evil: 1")),
    "a lifetime in text": reply(200, answer(1, expires_in="600")),
    "a lifetime of true": reply(200, answer(1, expires_in=True)),
    "no life": reply(200, answer(1, expires_in=0)),
    "another scheme": reply(200, answer(1, token_type="DPoP")),
    "deep nonsense": reply(200, b"[" * 60_000),
    "201": reply(201, answer(1)),
    "a redirect": Reply(302, {"location": "https://elsewhere.test/"}, b""),
    "a redirect that keeps the method": Reply(307, {"location": "https://elsewhere.test/"}, b""),
    "no answer": NONE,
    "500": reply(500, {"error": "server_error"}),
    "503": reply(503, {"error": "temporarily_unavailable"}, retry_after="1"),
    "503 of the gateway": reply(503, {"message": "Service Unavailable"}),
    "429 of the gateway": reply(429, {"message": "Too Many Requests"}),
    "an odd Retry-After": reply(503, {}, retry_after="soon"),
}
REFUSALS = {
    "another 400": (reply(400, {"error": "invalid_request"}), "invalid_request"),
    "invalid_grant with another status": (reply(401, {"error": "invalid_grant"}), "invalid_grant"),
    "invalid_grant in a page": (Reply(400, HTML, b'{"error": "invalid_grant"}'), "bad_answer"),
    "invalid_grant as a list": (reply(400, {"error": ["invalid_grant"]}), "bad_answer"),
    "invalid_client": (reply(401, {"error": "invalid_client"}), "invalid_client"),
    "403 of a firewall": (Reply(403, HTML, PAGE), "bad_answer"),
    "404": (reply(404, {"error": "not_found"}), "not_found"),
    "407 of a proxy": (Reply(407, HTML, b""), "bad_answer"),
}


@pytest.mark.parametrize("bad", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_what_is_no_answer_of_the_service_is_asked_for_again(lab: Lab, bad: Any) -> None:
    session = lab.signed_in()
    lab.clock.passes(600)
    lab.answers = [bad]

    assert session.access_token() == "access-1"
    assert lab.form(0) == lab.form(1)
    assert "SignedOutEvent" not in lab.told()


@pytest.mark.parametrize(("refusal", "code"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_told_and_the_session_stays(lab: Lab, refusal: Reply, code: str) -> None:
    session = lab.signed_in()
    lab.clock.passes(600)
    lab.answers = [refusal]

    with pytest.raises(AuthError) as error:
        session.access_token()

    assert (error.value.code, error.value.status) == (code, refusal.status)
    assert len(lab.sent) == 1
    assert session.access_token() == "access-1", "the session is not over"


def test_invalid_grant_for_the_stored_token_ends_the_session(lab: Lab) -> None:
    session = lab.signed_in()
    lab.clock.passes(600)
    lab.answers = [OVER]

    with pytest.raises(SignedOut):
        session.access_token()

    assert lab.events == [SignedOutEvent("session_over")]
    assert session.info() is None
    with pytest.raises(SignedOut):
        session.access_token()


def test_invalid_grant_for_a_token_that_the_store_no_longer_holds_ends_nothing(lab: Lab) -> None:
    session, other = lab.signed_in(), lab.session()
    lab.clock.passes(600)

    def others_are_quicker() -> Reply:
        other.access_token()
        return OVER

    lab.answers = [others_are_quicker]

    assert session.access_token() == "access-1"
    assert "SignedOutEvent" not in lab.told()


def test_a_successor_never_replaces_what_another_process_has_saved(lab: Lab) -> None:
    session, other = lab.signed_in(), lab.session()
    lab.clock.passes(600)

    def others_are_quicker() -> Reply:
        other.access_token()
        return reply(200, answer(77))

    lab.answers = [others_are_quicker]

    assert session.access_token() == "access-1"


def test_a_retry_after_as_a_date_counts_from_the_date_of_the_answer(lab: Lab) -> None:
    session = lab.signed_in(retry_for_s=200)
    lab.clock.passes(600)
    dates = {"date": "Mon, 30 Nov 2026 10:00:00 GMT", "retry-after": "Mon, 30 Nov 2026 10:00:50 GMT"}
    lab.answers = [Reply(503, dates, b"")]

    session.access_token()

    assert 50 <= sum(lab.waits) <= 100


# Stores


class Failing(MemoryStore):
    """reads, writes: how many still succeed."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = self.writes = 1_000

    def get(self) -> str | None:
        self.reads -= 1
        if self.reads < 0:
            raise OSError("the disk is gone")
        return super().get()

    def swap(self, seen: str | None, new: str | None) -> bool:
        self.writes -= 1
        if self.writes < 0:
            raise OSError("the disk is full")
        return super().swap(seen, new)


def test_a_write_that_fails_is_told_and_the_session_goes_on_from_memory() -> None:
    store = Failing()
    lab = Lab(store)
    session = lab.signed_in()
    lab.clock.passes(600)
    store.writes = 0

    assert session.access_token() == "access-1"
    assert lab.told() == ["StoreFailed", "Refreshed"]
    lab.clock.passes(300)
    assert session.access_token() == "access-1"


def test_a_successor_that_could_not_be_saved_is_not_spent_before_it_is_saved() -> None:
    store = Failing()
    lab = Lab(store)
    session = lab.signed_in()
    lab.clock.passes(600)
    store.writes = 0
    session.access_token()
    lab.clock.passes(600)

    with pytest.raises(StoreError):
        session.access_token()
    assert len(lab.sent) == 1

    store.writes = 1_000
    assert session.access_token() == "access-2"
    assert lab.form(1)["refresh_token"] == "refresh-1"


def test_a_store_that_cannot_be_read_is_an_error_and_a_good_token_is_used_still() -> None:
    store = Failing()
    lab = Lab(store)
    session = lab.signed_in()
    lab.clock.passes(300)
    store.reads = 0

    assert session.access_token() == "access-0"
    lab.clock.passes(300)
    with pytest.raises(StoreError):
        session.access_token()

    assert lab.sent == []
    store.reads = 1_000
    assert session.access_token() == "access-1"


def test_a_store_that_was_cleared_signs_nobody_out_and_gets_the_session_again(lab: Lab) -> None:
    session = lab.signed_in()
    lab.clock.passes(300)
    lab.store.swap(lab.store.get(), None)

    assert session.access_token() == "access-0"
    lab.clock.passes(300)
    assert session.access_token() == "access-1"

    assert lab.told() == ["Refreshed"]
    assert lab.session().access_token() == "access-1", "others find it there"


def test_a_process_that_begins_on_a_cleared_store_is_signed_out(lab: Lab) -> None:
    lab.signed_in()
    lab.store.swap(lab.store.get(), None)

    with pytest.raises(SignedOut):
        lab.session().access_token()


def test_a_sign_out_elsewhere_is_told_and_is_no_clearing(lab: Lab) -> None:
    session, other = lab.signed_in(), lab.session()
    lab.answers = [reply(200, b"")]
    other.sign_out()
    lab.clock.passes(2)
    lab.events.clear()

    with pytest.raises(SignedOut):
        session.access_token()

    assert lab.events == [SignedOutEvent("elsewhere")]


UNREADABLE = {
    "no JSON": "{",
    "a number": "7",
    "an unknown version": json.dumps({"v": 2}),
    "no version": json.dumps({"issuer": ISSUER}),
    "another issuer": json.dumps({"v": 1, "issuer": "https://elsewhere.test"}),
    "half a session": json.dumps({"v": 1, "issuer": ISSUER, "session": {"session_id": "s"}, "device": None}),
    "a session of another type": json.dumps({"v": 1, "issuer": ISSUER, "session": [], "device": None}),
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_record_that_cannot_be_read_is_an_error_and_stays_as_it_is(lab: Lab, text: str) -> None:
    lab.store.swap(None, text)
    session = lab.session()

    with pytest.raises(StoreError):
        session.access_token()

    assert lab.store.get() == text
    session.sign_in("alice@example.com", "a password")
    assert session.access_token() == "access-1", "a sign-in replaces it"


def test_a_number_in_the_place_of_a_text_is_half_a_record(lab: Lab) -> None:
    lab.signed_in()
    text = lab.store.get() or ""
    lab.store.swap(text, text.replace('"refresh-0"', "5"))

    with pytest.raises(StoreError):
        lab.session().access_token()


# Beginnings and ends


def test_a_sign_in_names_the_device_and_keeps_it_through_sign_outs(lab: Lab) -> None:
    session = lab.session(client_id="portal-app", scope="portal:read")
    lab.answers = [reply(200, answer(0, device_token="device-token")), reply(200, b"")]
    session.sign_in("alice@example.com", "a password", device_name="laptop", remember=True)
    session.sign_out()
    session.sign_in("alice@example.com", "a password")

    first, _, again = (each.request for each in lab.sent)
    assert json.loads(first.body) == {
        "username": "alice@example.com",
        "password": "a password",
        "client_id": "portal-app",
        "scope": "portal:read",
        "device": {"name": "laptop", "remember": True},
    }
    assert json.loads(again.body)["device"] == {"id": "device", "remember": False}
    assert lab.told() == ["SignedIn", "SignedOutEvent", "SignedIn"]


@pytest.mark.parametrize(
    ("given", "code", "status"),
    [
        (reply(401, {"error": "invalid_credentials"}), "invalid_credentials", 401),
        (reply(429, {"error": "rate_limited"}, retry_after="7"), "rate_limited", 429),
        (Reply(200, HTML, PAGE), "bad_answer", 200),
        (NONE, "unreachable", None),
    ],
)
def test_a_sign_in_that_fails_is_not_repeated_and_touches_nothing(
    lab: Lab, given: Any, code: str, status: int | None
) -> None:
    session = lab.signed_in()
    lab.answers = [given]

    with pytest.raises(AuthError) as error:
        session.sign_in("alice@example.com", "a password")

    assert (error.value.code, error.value.status) == (code, status)
    assert len(lab.sent) == 1
    assert session.access_token() == "access-0"


def test_a_device_token_opens_a_session_after_one_is_over(lab: Lab) -> None:
    session = lab.session()
    session.adopt(answer(0, device_token="device-token-0"))
    lab.clock.passes(600)
    lab.answers = [OVER, NONE, reply(200, answer(5, session_id="new", device_token="device-token-1"))]
    with pytest.raises(SignedOut):
        session.access_token()

    session.sign_in_with_device()

    assert session.access_token() == "access-5"
    assert lab.form(1)["subject_token"] == lab.form(2)["subject_token"] == "device-token-0"
    assert lab.key(1) == lab.key(2) != lab.key(0)


def test_a_device_token_that_is_no_good_is_forgotten(lab: Lab) -> None:
    session = lab.session()
    session.adopt(answer(0, device_token="device-token-0"))
    lab.answers = [OVER]

    for _ in range(2):
        with pytest.raises(SignedOut):
            session.sign_in_with_device()

    assert len(lab.sent) == 1
    assert session.access_token() == "access-0", "the session that there is lives on"


def test_signing_out_sends_the_stored_token_and_forgets_it_whatever_comes_back(lab: Lab) -> None:
    session = lab.signed_in()
    lab.answers = [NONE]

    with pytest.raises(AuthError):
        session.sign_out()

    assert lab.form(0) == {"token": "refresh-0"}
    assert lab.sent[0].request.url == f"{ISSUER}/auth/revoke"
    assert session.info() is None
    assert lab.events == [SignedOutEvent("here")]


def test_signing_the_others_out_keeps_this_session(lab: Lab) -> None:
    session = lab.signed_in()
    lab.answers = [Reply(204, {}, b"")]

    session.sign_out("others", keep_devices=True)

    assert json.loads(lab.sent[0].request.body) == {"scope": "others", "keep_devices": True}
    assert lab.sent[0].request.headers["Authorization"] == "Bearer access-0"
    assert session.info() is not None


def test_only_a_token_answer_is_adopted(lab: Lab) -> None:
    for value in (None, {}, {"access_token": "x"}, "text", [1]):
        with pytest.raises(ValueError, match="token answer"):
            lab.session().adopt(value)

    assert lab.store.get() is None


# Secrets


def test_no_secret_is_in_an_address_or_shown(lab: Lab) -> None:
    session = lab.signed_in()
    lab.clock.passes(600)
    session.access_token()

    shown = [repr(each) for each in (session, session.info(), session.httpx_auth(), session.requests_auth())]
    shown += [repr(each) for each in (lab.store, lab.sent[0], lab.events, session._keeper._last)]
    secrets = ("refresh-0", "access-0", "refresh-1", "access-1", lab.key(0))
    assert not [text for text in shown if any(secret in text for secret in secrets)]
    assert "?" not in lab.sent[0].request.url


@pytest.mark.parametrize(
    "address",
    ["http://tokens.example.com", "ftp://tokens.example.com", "tokens", "https://a:b@tokens.example.com", ""],
)
def test_an_issuer_or_api_that_is_no_safe_origin_is_refused(address: str) -> None:
    from auth_user_tokens import Session

    with pytest.raises(ValueError, match=r"origin|https"):
        Session(address)
    with pytest.raises(ValueError, match=r"origin|https"):
        Session("https://tokens.example.com", apis=[address])


def test_whoever_was_told_and_takes_it_back_is_told_no_more(lab: Lab) -> None:
    session = lab.session()
    told: list[object] = []
    take_back = session.on(told.append)
    session.adopt(answer(0))
    take_back()
    session.adopt(answer(1))

    assert len(told) == 1


def test_the_clock_of_this_machine_counts_forward() -> None:
    from auth_user_tokens.clock import SystemClock, elapsed_s

    before = SystemClock().now()

    assert elapsed_s(before, SystemClock().now()) >= 0


# Step-up


def body(lab: Lab, number: int) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(lab.sent[number].request.body)
    return parsed


def test_a_step_up_spends_the_stored_token_with_its_own_key(lab: Lab) -> None:
    session = lab.signed_in(client_id="portal")
    lab.answers = [reply(200, answer(1, access_token="raised"))]
    session.step_up("secret", acr_values="urn:a urn:b", max_age_s=0)

    assert lab.sent[0].request.url == f"{ISSUER}/auth/step-up"
    assert body(lab, 0) == {
        "password": "secret",
        "acr_values": "urn:a urn:b",
        "max_age": 0,
        "client_id": "portal",
        "refresh_token": "refresh-0",
    }
    assert session.access_token() == "raised"
    lab.clock.passes(600)
    session.access_token()
    assert lab.key(0) != lab.key(1)
    assert lab.told() == ["Refreshed", "Refreshed"]


@pytest.mark.parametrize(
    "lost", [NONE, reply(503, {"error": "temporarily_unavailable"}), reply(502, PAGE), reply(200, PAGE)]
)
def test_an_answer_to_a_step_up_that_is_lost_is_asked_for_with_the_same_token_and_key(
    lab: Lab, lost: Any
) -> None:
    session = lab.signed_in()
    lab.answers = [lost, reply(200, answer(1))]
    session.step_up("secret")

    assert body(lab, 0) == body(lab, 1)
    assert lab.key(0) == lab.key(1)
    assert lab.told() == ["Unreachable", "Refreshed"]


@pytest.mark.parametrize(
    ("code", "status"),
    [("invalid_credentials", 401), ("rate_limited", 429), ("unmet_authentication_requirements", 400)],
)
def test_a_step_up_that_is_refused_ends_nothing_and_holds_up_no_refresh(
    lab: Lab, code: str, status: int
) -> None:
    session = lab.signed_in()
    lab.answers = [reply(status, {"error": code}, retry_after="60")]
    with pytest.raises(AuthError) as error:
        session.step_up("wrong")

    assert (error.value.code, error.value.status) == (code, status)
    assert status != 429 or error.value.retry_after_s == 60
    lab.clock.passes(600)
    assert session.access_token() == "access-1"
    assert lab.waits == []
    assert lab.told() == ["Refreshed"]


def test_a_step_up_of_a_session_that_is_over_says_so(lab: Lab) -> None:
    session = lab.signed_in()
    lab.answers = [OVER]

    with pytest.raises(SignedOut):
        session.step_up("secret")
    assert lab.events == [SignedOutEvent("session_over")]
    with pytest.raises(SignedOut):
        session.step_up("secret")


def test_a_step_up_whose_token_another_process_has_spent_is_made_again_with_the_next_one(lab: Lab) -> None:
    session, other = lab.signed_in(), lab.session()

    def overtaken() -> Reply:
        lab.clock.passes(600)
        other.access_token()
        lab.clock.passes(-600)
        return reply(200, answer(1))

    lab.answers = [overtaken, reply(200, answer(1)), reply(200, answer(2))]
    session.step_up("secret")

    assert [body(lab, n)["refresh_token"] for n in (0, 2)] == ["refresh-0", "refresh-1"]
    assert session.access_token() == "access-2"


def test_a_step_up_works_in_an_event_loop(lab: Lab) -> None:
    session = lab.signed_in()
    asyncio.run(session.astep_up("secret"))

    assert body(lab, 0)["password"] == "secret"
    assert "secret" not in str(lab.store.get()) + repr(session) + repr(lab.sent)
