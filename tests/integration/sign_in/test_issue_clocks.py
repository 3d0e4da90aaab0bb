"""A trusted backend's clock and ours differ: a few seconds are no lie, and what is issued verifies."""

from dataclasses import replace

import pytest

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.claims import IAT_LEEWAY_S
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.usecases.issue import IssueRequest, issue
from tests.support.world import World

BACKEND = Caller("192.0.2.50", "backend", principal="AROABACKEND")


@pytest.mark.parametrize(
    ("ahead_s", "kept_ahead_s"), [(-100, -100), (-1, -1), (0, 0), (1, 0), (IAT_LEEWAY_S, 0)]
)
def test_an_authentication_a_little_ahead_of_our_clock_happened_now(
    world: World, ahead_s: int, kept_ahead_s: int
) -> None:
    request = IssueRequest(world.user_id(world.user()), ("mfa",), auth_time=world.clock.now + ahead_s)

    answer = issue(request, BACKEND, world.issuing)

    claims = world.sessions.verifier.verify(answer.access_token or "", world.clock.now)
    assert claims.auth_time == world.clock.now + kept_ahead_s


def test_an_authentication_further_ahead_is_refused_and_leaves_no_row(world: World) -> None:
    name = world.user()
    ahead = world.clock.now + IAT_LEEWAY_S + 1
    request = IssueRequest(world.user_id(name), ("mfa",), auth_time=ahead)

    with pytest.raises(InvalidRequest, match="auth_time"):
        issue(request, BACKEND, world.issuing)

    rows = world.sql("SELECT 1 FROM auth_user_tokens WHERE user_id = %s", world.user_id(name))
    assert (list(rows), world.events(name)) == ([], [])


def test_a_repeat_is_the_same_request_whatever_our_clock_says_by_then(world: World) -> None:
    ahead = world.clock.now + IAT_LEEWAY_S
    request = IssueRequest(world.user_id(world.user()), ("mfa",), auth_time=ahead, retry_key="k")
    first = issue(request, BACKEND, world.issuing)
    world.clock.now += 60

    assert issue(request, BACKEND, world.issuing).session_id == first.session_id
    with pytest.raises(InvalidRequest, match="another request"):
        issue(replace(request, auth_time=ahead - 1), BACKEND, world.issuing)
