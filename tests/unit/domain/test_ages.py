"""Ages: both sides of every edge, and a clock that was set back."""

import pytest

from auth_tokens.domain.ages import is_within

NOW = 1000


@pytest.mark.parametrize(
    ("since", "is_it"),
    [(NOW, True), (NOW - 9, True), (NOW - 10, False), (NOW + 1, False), (NOW + 3900, False), (None, False)],
    ids=["just now", "just within", "at the span", "a second to come", "an hour to come", "never"],
)
def test_what_happened_less_than_a_span_ago(since: int | None, is_it: bool) -> None:
    assert is_within(NOW, since, 10) is is_it


def test_nothing_is_within_no_span() -> None:
    assert not is_within(NOW, NOW, 0)
