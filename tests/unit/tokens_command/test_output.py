"""What is printed never steers the terminal."""

import unicodedata

import pytest

from tokens_command.output import Output, printable

HOSTILE = "\x1b[2Jevil\x07\u202egnp.exe\r\n\x9b31m\u200b\u2066"


def test_a_hostile_text_has_nothing_left_that_moves_or_turns_anything() -> None:
    shown = printable(HOSTILE)

    assert not [character for character in shown if unicodedata.category(character).startswith("C")]
    assert shown.startswith("\\u001b[2Jevil")


def test_names_in_any_script_stay_as_they_are() -> None:
    for name in ("Ångström", "שלום", "日本語", "😀 [bold]not markup[/bold]"):
        assert printable(name) == name


def test_markup_in_a_name_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    Output(is_json=False).table([{"name": "[red]x[/red]\x1b[0m"}], {"name": "name"}, "none")

    assert "[red]x[/red]\\u001b[0m" in capsys.readouterr().out


def test_a_table_without_rows_is_a_sentence_and_with_json_there_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output(is_json=False).table([], {"name": "name"}, "No name.")
    assert capsys.readouterr().out == "No name.\n"

    Output(is_json=True).table([{"name": "x"}], {"name": "name"}, "No name.")
    assert capsys.readouterr().out == ""


def test_instants_and_flags_are_shown_as_people_read_them(capsys: pytest.CaptureFixture[str]) -> None:
    record = {"created_at": 60, "remembered": True, "count": 60, "labels": ["a", "b"], "revoked_at": None}

    Output(is_json=False, clock=lambda: 120).facts(record, {name: name for name in record})

    lines = [line.split(None, 1) for line in capsys.readouterr().out.splitlines()]
    assert [[name, text.strip()] for name, text in lines] == [
        ["created_at", "1970-01-01 00:01:00Z (1 min ago)"],
        ["remembered", "yes"],
        ["count", "60"],
        ["labels", "a, b"],
    ]
