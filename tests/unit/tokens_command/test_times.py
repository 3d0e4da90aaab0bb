"""Instants as operators write them, and what is none."""

import pytest

from tokens_command.times import apart, instant_of, shown

NOW = 1_796_083_200.5  # 2026-12-01T00:00:00.5Z


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", 1_796_083_200),
        ("1796083200", 1_796_083_200),
        ("2026-12-01T00:00Z", 1_796_083_200),
        ("2026-12-01T01:00+01:00", 1_796_083_200),
        ("2026-12-01 00:00:00.9Z", 1_796_083_200),
        ("90s", 1_796_083_110),
        ("15m", 1_796_082_300),
        ("2h", 1_796_076_000),
        ("7d", 1_795_478_400),
        ("1w", 1_795_478_400),
        ("999999w", 0),
    ],
)
def test_a_time_is_taken(text: str, instant: int) -> None:
    assert instant_of(text, NOW) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-12-01",
        "2026-12-01T00:00",
        "12345678",
        "123456789012",
        "2 h",
        "2y",
        "-2h",
        "٢h",
        "2026-13-01T00:00Z",
    ],
)
def test_what_is_no_time_or_has_no_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        instant_of(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86_400, "1 d ago"),
        (-90, "in 1 min"),
    ],
)
def test_how_long_ago_is_said_in_the_largest_unit(seconds: int, words: str) -> None:
    assert apart(seconds) == words


def test_an_instant_is_shown_in_utc() -> None:
    assert shown(1_796_083_140, NOW) == "2026-11-30 23:59:00Z (1 min ago)"
    assert shown(None, NOW) == ""
