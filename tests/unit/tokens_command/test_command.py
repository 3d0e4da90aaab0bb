"""`tokens`: what is refused before anything is sent, and the exit code of each way to fail."""

import json
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType

import pytest

from tests.docs.markdown import DOCS, table
from tokens_command import __main__ as command
from tokens_command.problems import Exit
from tokens_command.program import cli

UNKNOWN = "01900000-0000-7000-8000-000000000000"
NOWHERE = ("--local", "--url", "http://127.0.0.1:9")
Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, no Region and no place from the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_PROFILE", "AWS_REGION", "TOKENS_STACK", "TOKENS_URL", "TOKENS_LOCAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["wois"], Exit.REFUSED, "Did you mean 'whois'?"),
        (["whois"], Exit.REFUSED, "Missing argument"),
        (["whois", "x", "--locl"], Exit.REFUSED, "Did you mean '--local'?"),
        (["revoke", "x", "--local"], Exit.REFUSED, "Missing option '--reason'"),
        (["whois", "x"], Exit.REFUSED, "--stack NAME (or TOKENS_STACK), --url ADDRESS, or --local"),
        (["whois", "x", "--url", "ftp://x"], Exit.REFUSED, "--region"),
        (["whois", "x", "--url", "ftp://x", "--region", "eu-west-1"], Exit.DENIED, "no AWS credentials"),
        (["whois", "x", "--local", "--url", "ftp://x"], Exit.UNREACHABLE, "is no address of a service"),
        (["whois", "x", "--local", "--url", "http://tokens.example"], Exit.UNREACHABLE, "its https address"),
        (["whois", "x", *NOWHERE], Exit.UNREACHABLE, "nobody listens there"),
        (["whois", "aut_rt_x", *NOWHERE], Exit.REFUSED, "its shape is wrong"),
        (["decode", "x"], Exit.REFUSED, "neither a token"),
    ],
)
def test_a_failure_is_one_sentence_with_its_exit_code(
    arguments: list[str], code: Exit, says: str, capsys: Said
) -> None:
    assert command.main(arguments) == code

    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def test_with_json_a_failure_is_json(capsys: Said) -> None:
    assert command.main(["decode", "x", "--json"]) == Exit.REFUSED

    failure = json.loads(capsys.readouterr().err)
    assert failure.keys() == {"error", "exit"}
    assert failure["exit"] == Exit.REFUSED


def test_a_place_may_stand_before_the_subcommand_and_the_later_one_counts(capsys: Said) -> None:
    assert command.main(["--local", "--url", "ftp://x", "whois", "x", "--url", "http://127.0.0.1:9"]) == 3

    assert "nobody listens there" in capsys.readouterr().err


def test_every_subcommand_explains_itself(capsys: Said) -> None:
    for name in cli.commands:
        assert command.main([name, "--help"]) == Exit.DONE
        assert f"Usage: tokens {name} " in capsys.readouterr().out


def test_the_exit_codes_are_stated_in_the_help_and_on_the_page(capsys: Said) -> None:
    command.main(["--help"])

    codes = {str(int(code)) for code in Exit if code not in (Exit.INTERRUPTED, Exit.UNREAD)}
    assert set(re.findall(r"^ +(\d)  ", capsys.readouterr().out, re.MULTILINE)) == codes
    rows = table(DOCS / "reference" / "command.md", "Exit codes", "Code").rows
    assert {row["Code"] for row in rows} == {str(int(code)) for code in Exit}


def test_every_subcommand_stands_on_the_page() -> None:
    rows = table(DOCS / "reference" / "command.md", "Subcommands", "Subcommand").rows

    named = {row["Subcommand"].split("`")[1].split(" ")[0] for row in rows}
    assert named == set(cli.commands)


class Interrupted(ModuleType):
    """A module whose import is interrupted."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_an_interrupt_while_it_starts_ends_it_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setitem(sys.modules, "tokens_command.program", Interrupted("program"))

    assert command.main(["keys"]) == Exit.INTERRUPTED

    assert capsys.readouterr() == ("", "")


@pytest.fixture
def another(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of something else, which answers everything alike: (status, headers, body)."""
    status, headers, body = request.param

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - as BaseHTTPRequestHandler calls it

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "another", [(200, {}, body) for body in (b"<html>", b"[]", b"{}", b"")], indirect=True, ids=str
)
@pytest.mark.parametrize("arguments", [["keys"], ["events"], ["whois", "x"], ["cleanup"], ["debt"]], ids=str)
def test_something_else_at_the_address_is_said_in_one_sentence(
    another: str, arguments: list[str], capsys: Said
) -> None:
    assert command.main([*arguments, "--local", "--url", another]) == Exit.UNREACHABLE

    [sentence] = capsys.readouterr().err.splitlines()
    assert "is that the address of the service?" in sentence


@pytest.mark.parametrize(
    "another", [(503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"")], indirect=True, ids=["a date"]
)
def test_a_wait_that_is_a_date_is_waited_for_as_if_there_was_none(
    another: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tokens_command.service.SignedService.__init__.__defaults__", (waits.append,))

    assert command.main(["keys", "--local", "--url", another]) == Exit.UNREACHABLE

    assert waits == [2, 4, 8]
