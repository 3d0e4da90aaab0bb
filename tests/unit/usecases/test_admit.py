"""Rate limits of an attempt to sign in, on buckets in memory."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from auth_tokens.domain.errors import RateLimited
from auth_tokens.domain.login_limits import Admission, Attempt, Bucket, Take
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.admit import MAX_RACES, admit, known_device
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.presentation import PresentedToken
from tests.support.cases import REMEMBERED
from tests.support.memory_store import MemoryBuckets
from tests.support.memory_world import MemoryWorld
from tests.support.world import Clock

ATTEMPT = Attempt("alice@example.com", "192.0.2.0", "192.0.2.0")


class Unreadable(MemoryBuckets):
    def levels(self, buckets: Sequence[Bucket]) -> None:  # type: ignore[override]
        return None


class Contended(MemoryBuckets):
    """Others fill a bucket between the read and the write. races: how many times."""

    races = MAX_RACES - 1

    def take(self, takes: Sequence[Take], at_ms: int) -> bool:
        self.races -= 1
        return self.races < 0 and super().take(takes, at_ms)


def limited_by(buckets: MemoryBuckets) -> IssueDeps:
    return replace(MemoryWorld().issuing, limiter=buckets)


def test_an_attempt_is_counted_in_each_of_its_buckets() -> None:
    buckets = MemoryBuckets(Clock().milliseconds)

    admitted = admit(ATTEMPT, limited_by(buckets))

    assert {take.bucket for take in admitted.takes} == set(buckets.tats)
    assert ATTEMPT.pair in buckets.tats


def test_buckets_that_cannot_be_read_let_an_attempt_pass() -> None:
    buckets = Unreadable(Clock().milliseconds)

    assert admit(ATTEMPT, limited_by(buckets)) == Admission()
    assert buckets.tats == {}


def test_lost_races_are_tried_again_and_then_refused() -> None:
    buckets = Contended(Clock().milliseconds)
    assert admit(ATTEMPT, limited_by(buckets)).takes

    buckets.races = MAX_RACES
    with pytest.raises(RateLimited):
        admit(ATTEMPT, limited_by(buckets))


def test_a_device_is_known_by_its_current_token_for_its_own_account_and_client() -> None:
    world = MemoryWorld()
    name, other = world.user(), world.user()
    answer = world.login(name, REMEMBERED)

    def known(text: str | None, client_id: str, account: str, jkt: str | None = None) -> str:
        shown = PresentedToken(text or "", TokenKind.DEVICE, client_id, None, jkt)
        return known_device(shown, account, world.issuing, world.clock())

    assert known(answer.device_token, "portal-web", name) == answer.device_id
    assert known(answer.device_token, "portal-app", name) == ""
    assert known(answer.device_token, "portal-web", other) == ""
    for text in (None, "x", answer.token, world.login(name, kind=TokenKind.SESSION).token):
        assert known(text, "portal-web", name) == ""
    bound = world.login(name, REMEMBERED, jkt="j" * 42 + "A")
    assert known(bound.device_token, "portal-web", name, "j" * 42 + "A") == bound.device_id
    assert known(bound.device_token, "portal-web", name, "o" * 42 + "A") == ""
    assert known(bound.device_token, "portal-web", name) == ""
    world.disable(name)
    assert known(answer.device_token, "portal-web", name) == ""
