"""`make demo`: what it prints in any window, and that what it offers at the end works."""

import contextlib
import io
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import pytest
from rich.console import Console

from local import demo
from local.client import Client, Reply
from local.screen import Screen
from local.stack import LocalStack
from tests.docs.markdown import ROOT

HOSTILE = Reply(403, {}, '{"name": "\x1b[2J\u202e[red]<script>größt"}'.encode())
# Steps that end nothing, as the stack is not the demo's own.
STEPS = (demo.login, demo.refresh, demo.lost_answer, demo.session_list, demo.disabled_user)

Run = Callable[[], int]


@pytest.fixture
def run(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The program on a stack that runs already."""

    @contextlib.contextmanager
    def started(parameters: Mapping[str, str] = MappingProxyType({}), **_: object) -> Iterator[LocalStack]:
        yield stack

    def second_device_and_list(shown: demo.Demo) -> None:
        demo.second_device(shown)
        demo.session_list(shown)

    steps = tuple(second_device_and_list if step is demo.session_list else step for step in STEPS)
    monkeypatch.setattr(demo, "LocalStack", started)
    monkeypatch.setattr(demo, "STEPS", steps)
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("TOKENS_DB_URL", raising=False)
    return demo.main


@pytest.mark.parametrize("columns", ["40", "100"])
def test_every_line_fits_the_window_and_is_plain_where_there_is_none(
    run: Run, columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    assert run() == 0

    printed = capsys.readouterr().out
    offered = {what for what, _ in demo.NOW_TRY}
    lines = [
        line for line in printed.splitlines() if line.strip() not in offered and not line.startswith("{")
    ]
    assert [line for line in lines if len(line) > int(columns)] == []
    assert "All 5 steps did what they say." in " ".join(printed.split())
    assert "\x1b" not in printed
    assert [line for line in lines if "\\u" in line] == []


def test_it_ends_with_three_things_that_work(
    run: Run, stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert run() == 0

    end = capsys.readouterr().out.partition("Now try:")[2]
    commands = re.findall(r"^    (make \w+)$", end, re.M)
    [address] = re.findall(r"^    (http://127\.0\.0\.1:3000/\S+)$", end, re.M)
    assert commands == ["make run", "make traffic"]
    made = [
        subprocess.run([*command.split(), "-n"], cwd=ROOT, capture_output=True, text=True)
        for command in commands
    ]
    assert [re.findall(r"-m local ?(\w*)", each.stdout) for each in made] == [[""], ["traffic"]]
    assert Client(stack.base_url).get(address.removeprefix("http://127.0.0.1:3000")).status == 200
    [[username, password]] = re.findall(r"as (\S+), password: (.+?) make ", " ".join(end.split()))
    login = {"username": username, "password": password}
    assert Client(stack.base_url).post("/auth/login", login).status == 200


def test_a_step_that_fails_ends_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "STEPS", (lambda shown: shown.expect(False, "pigs fly"),))

    assert run() == 1

    printed = capsys.readouterr().out
    assert "✗ pigs fly" in printed
    assert "Now try" not in printed


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"PORT": "abc"}, "PORT must be a port number from 1 to 65535, not 'abc'"),
        ({"PORT": "taken"}, "is taken; choose another: make demo PORT=3001"),
        ({"TOKENS_DB_URL": "mysql://x"}, "it runs on a database of its own alone; unset TOKENS_DB_URL."),
    ],
    ids=["no port", "a taken port", "another database"],
)
def test_what_keeps_it_from_starting_is_said_in_one_line(
    run: Run,
    stack: LocalStack,
    variables: dict[str, str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, str(stack.port) if value == "taken" else value)

    assert run() == 1

    error = capsys.readouterr().err
    assert error.startswith("make demo: ")
    assert error.endswith(f"{told}\n")
    assert error.count("\n") == 1


def shown(width: int, **options: object) -> str:
    written = io.StringIO()
    screen = Screen(Console(file=written, width=width, **options))  # type: ignore[arg-type]
    screen.asked("GET /auth/devices " + "x" * 200)
    screen.answered(HOSTILE)
    return written.getvalue()


@pytest.mark.parametrize("width", [40, 160])
def test_hostile_texts_are_cut_and_shown_as_what_they_are(width: int) -> None:
    request, answer, *_ = shown(width).splitlines()

    assert len(request) == width
    assert request.endswith("…")
    assert '← 403 {"name": "\\u001b[2J' in answer
    assert "[red]<script>größt" in shown(160)


def test_colours_are_for_terminals_alone() -> None:
    in_colour = shown(80, force_terminal=True, color_system="standard")

    assert "\x1b[33m← 403" in in_colour
    assert "\x1b[2J" not in in_colour
    assert "\x1b" not in shown(80)
