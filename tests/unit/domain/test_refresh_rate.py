"""How fast is far too fast."""

from auth_tokens.domain.refresh_rate import ALLOWED_BURST, ALLOWED_RATE, count_refresh

USUAL_S = 600


def bursts(every_s: int, refreshes: int, usual_s: int = USUAL_S) -> int:
    """How often a client that refreshes at a fixed rate is noticed."""
    due, noticed = 0, 0
    for number in range(refreshes):
        due, is_far_above = count_refresh(due, 1_800_000_000 + number * every_s, usual_s)
        noticed += is_far_above
    return noticed


def test_a_client_at_its_usual_rate_is_never_noticed() -> None:
    assert bursts(USUAL_S, 1000) == 0


def test_a_client_at_the_allowed_rate_is_never_noticed() -> None:
    assert bursts(USUAL_S // ALLOWED_RATE, 1000) == 0


def test_a_client_in_a_loop_is_noticed_once_a_burst() -> None:
    assert bursts(0, ALLOWED_BURST) == 0
    assert bursts(0, ALLOWED_BURST + 1) == 1
    assert bursts(0, 10 * (ALLOWED_BURST + 1)) == 10


def test_twice_the_allowed_rate_is_noticed_in_time() -> None:
    assert bursts(USUAL_S // ALLOWED_RATE // 2, 3 * ALLOWED_BURST) >= 1


def test_tabs_that_wake_up_together_are_not_noticed() -> None:
    assert bursts(0, 10) == 0


def test_the_shortest_lifetime_has_a_rate_too() -> None:
    assert bursts(30, 1000, usual_s=30) == 0
    assert bursts(1, 100, usual_s=30) >= 1
