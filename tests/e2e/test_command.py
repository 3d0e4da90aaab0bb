"""`tokens` against a running service: as a process of its own, and each subcommand with its answers and exit codes."""

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from local.client import Client
from local.host.paths import ROOT
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from tokens_command import __main__ as command
from tokens_command.problems import Exit

BOB = USERS[1]
UNKNOWN = "01900000-0000-7000-8000-000000000000"
Said = pytest.CaptureFixture[str]


class Terminal:
    """Runs `tokens` in this process."""

    def __init__(self, stack: LocalStack, capsys: Said) -> None:
        self.place = ("--local", "--url", stack.base_url)
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, standard output and standard error."""
        code = command.main([*arguments, *self.place])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def json(self, *arguments: str) -> Any:
        code, out, err = self.run(*arguments, "--json")
        assert code == Exit.DONE, err
        return json.loads(out)


@pytest.fixture
def terminal(stack: LocalStack, capsys: Said) -> Terminal:
    return Terminal(stack, capsys)


@pytest.fixture
def user(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """(name, id) of a user of one test alone, with the password of the seeded ones."""
    name, user_id = f"tokens-{uuid.uuid4().hex[:8]}@example.com", str(uuid.uuid4())
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
            " SELECT %s, %s, password_hash, status, created_at FROM auth_users WHERE id = %s",
            (user_id, name, BOB.id),
        )
    yield name, user_id


def signed_in(stack: LocalStack, name: str) -> dict[str, Any]:
    device = {"name": "phone\x1b[2J", "remember": True}
    body = {"username": name, "password": PASSWORD, "device": device}
    reply = Client(stack.base_url).post("/auth/login", body)
    assert reply.status == 200, reply.shortened()
    return dict(reply.json)


def events_of(stack: LocalStack, user_id: str, kind: str) -> list[dict[str, Any]]:
    path = f"/admin/security/events?limit=5&type={kind}&user_id={user_id}"
    return list(Client(stack.base_url).signed("GET", path).json["events"])


# --- As a process


def process(stack: LocalStack, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/shared'}"}
    return subprocess.run(
        [sys.executable, "-m", "tokens_command", *arguments, "--local", "--url", stack.base_url],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        **options,
    )


def test_a_terminal_session_from_a_token_to_its_end(stack: LocalStack, user: tuple[str, str]) -> None:
    session = signed_in(stack, user[0])

    found = process(stack, "whois", "-", input=f"{session['refresh_token']}\n")
    assert found.returncode == 0, found.stderr
    assert user[0] in found.stdout
    assert session["session_id"] in found.stdout
    assert "\x1b" not in found.stdout

    unconfirmed = process(stack, "end", session["session_id"], "--reason", "lost", stdin=subprocess.DEVNULL)
    assert unconfirmed.returncode == Exit.UNCONFIRMED
    assert "Nothing was changed" in unconfirmed.stderr

    ended = process(stack, "end", session["session_id"], "--reason", "lost", "--yes", "--json")
    assert json.loads(ended.stdout) == {"user_id": user[1], "revoked": 2}

    told = json.loads(process(stack, "whois", session["session_id"], "--json").stdout)
    assert (told["row"]["state"], told["row"]["revoke_reason"]) == ("revoked", "admin")


def test_on_a_terminal_it_asks_once_and_does_what_is_answered(
    stack: LocalStack, user: tuple[str, str]
) -> None:
    signed_in(stack, user[0])
    for answer, code, left in (("n", Exit.UNCONFIRMED, 1), ("y", Exit.DONE, 0)):
        keyboard, terminal = pty.openpty()
        os.write(keyboard, f"{answer}\n".encode())
        done = process(stack, "revoke", user[1], "--reason", "leaver", stdin=terminal)
        os.close(keyboard)
        os.close(terminal)

        assert done.returncode == code, done.stderr
        assert "End 1 sessions and 1 devices" in done.stderr or code == Exit.DONE
        live = Client(stack.base_url).signed("GET", f"/admin/users/{user[1]}/sessions").json["sessions"]
        assert len(live) == left


# --- whois, sessions


def test_whois_takes_a_name_in_any_spelling_an_id_and_every_kind_of_token(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str]
) -> None:
    session = signed_in(stack, user[0])
    asked = [user[0].upper(), user[1], *(session[k] for k in ("session_id", "device_id", "refresh_token"))]
    asked += [session["device_token"], session["access_token"]]

    found = [terminal.json("whois", what) for what in asked]

    assert [each["user_id"] for each in found] == [user[1]] * len(asked)
    kinds = [each["row"] and each["row"]["kind"] for each in found]
    assert kinds == [None, None, "refresh", "device", "refresh", "device", "refresh"]


@pytest.mark.parametrize("what", ["nobody@example.com", UNKNOWN, "x" * 300, "nobody"])
def test_whom_nobody_knows_is_not_found_and_it_says_what_was_looked_for(
    terminal: Terminal, what: str
) -> None:
    code, out, err = terminal.run("whois", what)

    assert code in (Exit.NO, Exit.REFUSED)
    assert out == ""
    assert "is no " in err or "longer than 255" in err


def test_sessions_lists_both_and_nothing_steers_the_terminal(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str]
) -> None:
    sessions = [signed_in(stack, user[0]) for _ in range(3)]

    code, out, _ = terminal.run("sessions", user[0])
    listed = terminal.json("sessions", user[0])

    assert code == Exit.DONE
    assert all(session["session_id"] in out for session in sessions)
    assert "\x1b" not in out
    assert {each["session_id"] for each in listed["sessions"]} == {each["session_id"] for each in sessions}
    assert len(listed["devices"]) == 3


def test_sessions_of_a_mistyped_user_are_not_an_empty_list(terminal: Terminal) -> None:
    assert terminal.run("sessions", "bobby@example.com")[0] == Exit.NO


# --- end, revoke


def test_end_keeps_the_device_where_it_should_and_ends_a_device_by_its_id(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str]
) -> None:
    first = signed_in(stack, user[0])

    kept = terminal.json("end", first["session_id"], "--reason", "x", "--keep-device", "--yes")
    rest = terminal.json("end", first["device_id"], "--reason", "phone lost", "--yes")

    assert (kept["revoked"], rest["revoked"]) == (1, 1)
    [event] = events_of(stack, user[1], "device_revoked")
    assert event["detail"]["note"] == "phone lost"
    assert event["detail"]["actor"].endswith(":user/local")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("end", BOB.id, "--reason", "x", "--yes"), Exit.REFUSED),
        (("end", UNKNOWN, "--reason", "x", "--yes"), Exit.NO),
        (("end", UNKNOWN, "--reason", "", "--yes"), Exit.NO),
        (("revoke", "nobody@example.com", "--reason", "x", "--yes"), Exit.NO),
        (("revoke", BOB.id, "--reason", "", "--yes"), Exit.REFUSED),
        (("revoke", BOB.id, "--reason", "x" * 201, "--yes"), Exit.REFUSED),
        (("revoke", BOB.id, "--reason", "x"), Exit.UNCONFIRMED),
    ],
)
def test_what_is_mistyped_or_not_confirmed_ends_nothing(
    stack: LocalStack,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: Exit,
) -> None:
    signed_in(stack, BOB.username)
    before = len(events_of(stack, BOB.id, "user_revoked"))
    monkeypatch.setattr("sys.stdin", io.StringIO())

    assert terminal.run(*arguments)[0] == code

    assert len(events_of(stack, BOB.id, "user_revoked")) == before


def test_a_dry_run_says_what_would_end_and_ends_nothing(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str]
) -> None:
    signed_in(stack, user[0])

    told = terminal.json("revoke", user[0], "--reason", "x", "--dry-run")

    assert (told["live_sessions"], told["live_devices"], told["revoked"]) == (1, 1, 0)
    assert terminal.json("revoke", user[0], "--reason", "x", "--yes")["revoked"] == 2


# --- Who may


def test_other_credentials_are_turned_away_with_their_own_exit_code(
    stack: LocalStack, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed")

    code = command.main(["whois", BOB.id, "--url", stack.base_url, "--region", "eu-west-1"])

    assert code == Exit.DENIED
    assert "execute-api:Invoke" in capsys.readouterr().err


def test_credentials_of_the_usual_chain_sign(
    stack: LocalStack, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local-secret")

    code = command.main(["whois", BOB.id, "--url", stack.base_url, "--region", "eu-west-1", "--json"])

    assert (code, json.loads(capsys.readouterr().out)["username"]) == (Exit.DONE, BOB.username)
