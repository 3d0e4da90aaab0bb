"""Limits in memory: what one environment counts of forged tokens and introspections."""

import pytest

from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidGrant, RateLimited
from auth_tokens.domain.limits import GUESSES_PER_SITE, GUESSES_PER_SOURCE, IAM_PER_PRINCIPAL, Limit
from auth_tokens.web.rate_limits import limited_by_guesses, limited_by_principal
from auth_tokens.web.requests import Request, request_from
from auth_tokens.web.responses import Response
from tests.support.world import Clock

LIMIT = Limit("test", burst=2, interval_ms=1000)
OTHER = Limit("other", burst=2, interval_ms=1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> MemoryLimiter:
    return MemoryLimiter(clock.milliseconds)


def test_each_key_and_each_limit_has_a_bucket_of_its_own(limiter: MemoryLimiter) -> None:
    for limit in (LIMIT, OTHER):
        for key in ("a", "b"):
            limiter.hit(limit, key)
            limiter.hit(limit, key)
            with pytest.raises(RateLimited):
                limiter.hit(limit, key)


def test_a_refused_key_is_let_in_after_its_wait(limiter: MemoryLimiter, clock: Clock) -> None:
    limiter.hit(LIMIT, "a")
    limiter.hit(LIMIT, "a")
    with pytest.raises(RateLimited) as refusal:
        limiter.hit(LIMIT, "a")

    clock.now += refusal.value.retry_after_s

    limiter.hit(LIMIT, "a")


def test_memory_is_bounded_and_the_key_not_seen_longest_goes_first(clock: Clock) -> None:
    limiter = MemoryLimiter(clock.milliseconds, max_buckets=2)
    for key in ("a", "b", "a", "c"):  # c pushes b out
        limiter.hit(LIMIT, key)

    limiter.hit(LIMIT, "b")
    limiter.hit(LIMIT, "b")
    with pytest.raises(RateLimited):
        limiter.hit(LIMIT, "b")


def request(address: str = "192.0.2.1", principal: str = "") -> Request:
    context = {"http": {"method": "POST", "sourceIp": address}}
    if principal:
        context["authorizer"] = {"iam": {"userId": principal}}
    return request_from({"requestContext": context})


def forged(_: Request) -> Response:
    raise InvalidGrant("malformed: tag", is_forged=True)


def spent(_: Request) -> Response:
    raise InvalidGrant("reuse")


def test_forged_tokens_count_for_their_source_and_good_ones_are_not_kept_out(limiter: MemoryLimiter) -> None:
    guessing, using = limited_by_guesses(forged, limiter), limited_by_guesses(lambda _: Response(), limiter)
    for _ in range(GUESSES_PER_SOURCE.burst):
        with pytest.raises(InvalidGrant):
            guessing(request())

    with pytest.raises(RateLimited):
        guessing(request())

    assert using(request()).status == 200
    with pytest.raises(InvalidGrant):
        guessing(request("192.0.2.2"))


def guess_from(limiter: MemoryLimiter, address: str) -> type[Exception]:
    with pytest.raises((InvalidGrant, RateLimited)) as refusal:
        limited_by_guesses(forged, limiter)(request(address))
    return refusal.type


def test_forged_tokens_count_for_the_64_and_more_loosely_for_the_48_of_ipv6(limiter: MemoryLimiter) -> None:
    for number in range(GUESSES_PER_SOURCE.burst):
        assert guess_from(limiter, f"2001:db8:1:2::{number:x}") is InvalidGrant
    assert guess_from(limiter, "2001:db8:1:2:ffff::1") is RateLimited
    assert guess_from(limiter, "2001:db8:1:3::1") is InvalidGrant

    for number in range(GUESSES_PER_SITE.burst - GUESSES_PER_SOURCE.burst - 1):
        assert guess_from(limiter, f"2001:db8:1:{0x1000 + number:x}::1") is InvalidGrant
    assert guess_from(limiter, "2001:db8:1:4::1") is RateLimited
    assert guess_from(limiter, "2001:db8:2::1") is InvalidGrant


def test_a_token_that_was_ours_is_no_guess(limiter: MemoryLimiter) -> None:
    replaying = limited_by_guesses(spent, limiter)

    for _ in range(GUESSES_PER_SOURCE.burst + 1):
        with pytest.raises(InvalidGrant):
            replaying(request())


@pytest.mark.parametrize(
    ("user_id", "principal"), [("AIDA1", "AIDA1"), ("AROA1:session-7", "AROA1"), ("", "")]
)
def test_a_principal_is_a_user_or_a_role_whatever_the_roles_session(user_id: str, principal: str) -> None:
    assert request(principal=user_id).caller == Caller("192.0.2.1", principal=principal, actor=user_id)


def test_a_signed_route_is_limited_for_each_principal(limiter: MemoryLimiter) -> None:
    route = limited_by_principal(lambda _: Response(), limiter)
    for _ in range(IAM_PER_PRINCIPAL.burst):
        route(request(principal="AROA1:a"))

    with pytest.raises(RateLimited):
        route(request(principal="AROA1:b"))
    assert route(request(principal="AROA2:a")).status == 200
