"""The end of `make traffic` in a window of any width, and in none."""

import io
import random

import pytest
from rich.console import Console

from auth_tokens.domain.analytics.findings import Rule
from local.client import Reply
from local.traffic.attacks import ATTACKS
from local.traffic.detection import Found, Judgement
from local.traffic.planting import Plant
from local.traffic.population import Population, Tally
from local.traffic.report import Report

HOSTILE = "\x1b[2J[red]\u202egro\u00df"
PLANTS = [
    Plant(attack, Population("http://127.0.0.1:1", [], random.Random(1)), why_not="") for attack in ATTACKS
]
TALLY = Tally()
TALLY.note("guessing one account", "sign in", Reply(401, {}, b'{"error": "invalid_credentials"}'))
FOUND = Found(Rule.STUFFING_FROM_ONE_SOURCE.value, "high", "0123456789abcdef", HOSTILE, frozenset({"u"}))


def printed(width: int, *, is_terminal: bool) -> str:
    written = io.StringIO()
    console = Console(
        file=written,
        width=width,
        force_terminal=is_terminal,
        color_system="standard" if is_terminal else None,
    )
    report = Report(console, {"u": HOSTILE})
    report.answers(TALLY)
    judged = Judgement([(plant, [FOUND] if plant is PLANTS[0] else []) for plant in PLANTS], [FOUND], [])
    report.judgement(judged)
    report.verdict(judged, calm=12)
    return written.getvalue()


@pytest.mark.parametrize("width", [40, 80, 160])
def test_every_line_fits_and_every_attack_is_named(width: int) -> None:
    text = printed(width, is_terminal=False)

    assert max(map(len, text.splitlines())) <= width
    missing = [a.name for a in ATTACKS if any(word not in text for word in a.name.split())]
    assert missing == []
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_name_of_a_rule_or_an_error_is_broken(width: int) -> None:
    words = printed(width, is_terminal=False).split()

    assert {FOUND.rule, "device_burst"} <= set(words)
    assert "invalid_credentials" in {word.rstrip(":") for word in words}


def test_a_hostile_name_is_shown_and_steers_nothing() -> None:
    text = printed(160, is_terminal=True)

    assert "\\u001b[2J[red]\\u202egroß" in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text


def test_what_was_not_found_is_red() -> None:
    assert "\x1b[1;31mNOT FOUND" in printed(160, is_terminal=True)
