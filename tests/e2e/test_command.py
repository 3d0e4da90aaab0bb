"""`tokens` against a running service: as a process of its own, and each subcommand with its answers and exit codes."""

import contextlib
import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import jwt
import pytest

from local.client import Client
from local.host.paths import ROOT
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from tokens_command import __main__ as command
from tokens_command.arguments import ANYTHING, TOKEN, Kind
from tokens_command.problems import Exit
from tokens_command.service import SignedService

BOB = USERS[1]
UNKNOWN = "01900000-0000-7000-8000-000000000000"
FOREIGN_JWT = jwt.encode({"iss": "https://else.where"}, None, algorithm="none")
WORDS = ("--confirm", "end every session", "--reason", "x")
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


@pytest.mark.parametrize("arguments", [("keys",), ("keys", "--json"), ("events", "--csv")], ids=" ".join)
def test_a_reader_who_goes_away_ends_it_quietly(stack: LocalStack, arguments: tuple[str, ...]) -> None:
    gone, written = os.pipe()
    os.close(gone)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/shared'}"}
    command_line = [sys.executable, "-m", "tokens_command", *arguments, "--local", "--url", stack.base_url]

    done = subprocess.run(
        command_line, stdout=written, stderr=subprocess.PIPE, text=True, timeout=60, env=environment
    )

    os.close(written)
    assert (done.returncode, done.stderr) == (Exit.UNREAD, "")


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


@pytest.mark.parametrize(("command_name", "kind"), [("whois", ANYTHING), ("decode", TOKEN)])
def test_an_empty_standard_input_is_named(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command_name: str, kind: Kind
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))

    code, _, err = terminal.run(command_name, "-")

    assert (code, err) == (Exit.REFUSED, f"tokens: Standard input is empty. {kind.helps}\n")


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


# --- What an argument may be


HOW = {
    "whois": ((), "`tokens keys`"),
    "sessions": ((), "`tokens whois`"),
    "end": (("--reason", "x", "--yes"), "`tokens sessions`"),
    "revoke": (("--reason", "x", "--yes"), "`tokens whois`"),
    "revoke-before now --user": (("--reason", "x", "--yes"), "`tokens whois`"),
    "findings --user": ((), "`tokens whois`"),
    "finding": ((), "`tokens findings --state all`"),
    "ack": ((), "`tokens findings --state all`"),
    "close": ((), "`tokens findings --state all`"),
    "reopen": ((), "`tokens findings --state all`"),
    "events --user": ((), "`tokens whois`"),
    "events --session": ((), "`tokens sessions`"),
    "events --source": ((), "`tokens events`"),
    "skip": (("--reason", "x", "--yes"), "`tokens events`"),
    "withdraw": (("--reason", "x", "--yes"), "`tokens keys --all`"),
}
TAKES_TOKENS = ("whois", "end")


@pytest.mark.parametrize("command_name", HOW)
@pytest.mark.parametrize("what", ["x", "", "  ", "nobody@example.com", "token-chain.0", "a" * 31])
def test_what_an_argument_is_not_is_refused_with_the_command_that_helps(
    terminal: Terminal, command_name: str, what: str
) -> None:
    more, helps = HOW[command_name]

    code, out, err = terminal.run(*command_name.split(), what, *more)

    assert code in ((Exit.NO, Exit.REFUSED) if what.strip() else (Exit.REFUSED,))
    assert out == ""
    assert helps in err and ("is empty." in err) == (not what.strip())


@pytest.mark.parametrize("command_name", [name for name in HOW if name not in TAKES_TOKENS])
def test_a_token_where_none_is_taken_is_neither_sent_nor_shown(
    stack: LocalStack,
    terminal: Terminal,
    user: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    command_name: str,
) -> None:
    session, sent = signed_in(stack, user[0]), []
    signed = SignedService._signed

    def noted(service: SignedService, *call: str) -> Any:
        sent.append(call)
        return signed(service, *call)

    monkeypatch.setattr(SignedService, "_signed", noted)
    more, helps = HOW[command_name]

    for name in ("access_token", "refresh_token", "device_token"):
        code, out, err = terminal.run(*command_name.split(), f" {session[name]}", *more)

        assert (code, out) == (Exit.REFUSED, "")
        assert "A token is no " in err and helps in err
        assert session[name] not in f"{err} {sent}"


def test_a_session_s_id_is_no_user_and_a_user_s_no_session(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str]
) -> None:
    session_id = signed_in(stack, user[0])["session_id"]

    for command_name in ("sessions", "revoke", "events --user"):
        more, helps = HOW[command_name]
        code, _, err = terminal.run(*command_name.split(), session_id, *more)
        assert code == Exit.NO
        assert f"{session_id} is no user name or id here." in err and helps in err
    for whose in user:
        code, _, err = terminal.run("end", whose, "--reason", "x", "--yes")
        assert code == Exit.REFUSED
        assert f"{whose} is no session or device here." in err and "`tokens revoke`" in err
    for command_name in ("finding", "skip"):
        code, _, err = terminal.run(command_name, session_id, *HOW[command_name][0])
        assert code == Exit.NO
        assert f"{session_id} is no {command_name.replace('skip', 'event')} here." in err


def test_a_jwt_of_another_service_is_of_no_session_here(terminal: Terminal) -> None:
    for command_name in TAKES_TOKENS:
        code, out, err = terminal.run(command_name, FOREIGN_JWT, *HOW[command_name][0])

        assert (code, out) == (Exit.REFUSED, "")
        assert "names no session" in err


@pytest.mark.parametrize(
    "spelled",
    [str.upper, lambda text: text.replace("-", ""), lambda text: f" {text}\n"],
    ids=["upper case", "without hyphens", "with spaces around it"],
)
def test_an_id_is_taken_however_it_is_copied(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str], spelled: Callable[[str], str]
) -> None:
    finding_id = found_burst(stack, terminal, user)
    session = signed_in(stack, user[0])
    session_id, device_id = session["session_id"], session["device_id"]

    assert terminal.json("whois", spelled(device_id))["row"]["id"] == device_id
    assert terminal.json("finding", spelled(finding_id))["finding"]["id"] == finding_id
    assert terminal.json("ack", spelled(finding_id))["findings"][0]["id"] == finding_id
    [event, *_] = terminal.json("events", "--session", spelled(session_id))["events"]
    assert event["session_id"] == session_id
    assert terminal.json("skip", spelled(event["id"]), "--reason", "x", "--yes") == {"event_id": event["id"]}
    assert terminal.json("end", spelled(session_id), "--reason", "x", "--yes")["user_id"] == user[1]


def test_spaces_around_a_name_and_a_key_are_none_of_it(terminal: Terminal) -> None:
    [kid, *_] = [key["kid"] for key in terminal.json("keys")["keys"] if key["purpose"] == "signing"]

    assert terminal.json("sessions", f" {BOB.id} ")["user_id"] == BOB.id
    assert terminal.run("withdraw", f" {kid} ", "--reason", "x")[0] == Exit.UNCONFIRMED


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


# --- Everything


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("revoke-before", "1m", "--reason", "x"), Exit.UNCONFIRMED),
        (("revoke-before", "1m", "--reason", "x", "--yes"), Exit.UNCONFIRMED),
        (("revoke-before", "1m", "--reason", "x", "--confirm", "yes"), Exit.UNCONFIRMED),
        (("revoke-before", "--reason", "x"), Exit.REFUSED),
        (("revoke-before", "1m"), Exit.REFUSED),
        (("revoke-before", "yesterday", "--reason", "x"), Exit.REFUSED),
        (("revoke-before", "1m", "--client", "nobody", "--reason", "x", "--yes"), Exit.REFUSED),
        (("revoke-before", "1m", "--client", "portal-web", "--reason", "x"), Exit.UNCONFIRMED),
        (("revoke-before", "1m", "--client", "", *WORDS), Exit.UNCONFIRMED),
        (("revoke-before", "1m", "--client", "", "--yes", *WORDS), Exit.REFUSED),
        (("revoke-before", "1m", "--user", "", "--yes", *WORDS), Exit.REFUSED),
        (("revoke-before", "1m", "--client", "a", "--user", "b", "--reason", "x", "--yes"), Exit.REFUSED),
        (("revoke-before", "1m", "--user", "nobody@example.com", "--reason", "x", "--yes"), Exit.NO),
        (("after-restore", "--at", "1m", "--reason", "x"), Exit.UNCONFIRMED),
        (("after-restore", "--at", "1m", "--reason", "x", "--confirm", "end everything"), Exit.UNCONFIRMED),
    ],
)
def test_everything_is_ended_in_words_alone_and_a_mistyped_extent_ends_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: Exit
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    before = terminal.json("revoke-before", "--list")

    assert terminal.run(*arguments)[0] == code

    assert terminal.json("revoke-before", "--list") == before


def test_a_user_s_older_sessions_end_and_the_newer_stay(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str]
) -> None:
    signed_in(stack, user[0])

    kept = terminal.json("revoke-before", "1h", "--user", user[0], "--reason", "x", "--yes")
    ended = terminal.json("revoke-before", "now", "--user", user[0], "--reason", "leak", "--yes")

    assert (kept["revoked"], ended["revoked"]) == (0, 2)


def test_after_a_restore_everything_of_before_ends(stack: LocalStack, terminal: Terminal) -> None:
    words = ("--confirm", "end every session", "--reason", "restored")

    answer = terminal.json("after-restore", "--at", "12h", *words)  # before the tests of this run began

    assert (answer["client_id"], answer["user_id"]) == (None, None)
    assert [each["client_id"] for each in terminal.json("revoke-before", "--list")["cutoffs"]] == [None]


# --- Findings, events


def found_burst(stack: LocalStack, terminal: Terminal, user: tuple[str, str]) -> str:
    for _ in range(5):
        signed_in(stack, user[0])
    stack.invoke("analytics", {"source": "aws.scheduler"})
    [finding] = terminal.json("findings", "--user", user[0])["findings"]
    return str(finding["id"])


def test_a_finding_goes_from_open_over_acknowledged_to_closed_and_shows_its_evidence(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str]
) -> None:
    finding_id = found_burst(stack, terminal, user)

    _, shown, _ = terminal.run("finding", finding_id)
    evidence = terminal.json("finding", finding_id)
    assert "device_burst" in shown
    assert f"--user {user[1]}" in shown
    assert {event["type"] for event in evidence["evidence"]} == {"new_device"}

    [acked] = terminal.json("ack", finding_id, "--note", "on it")["findings"]
    assert (acked["state"], acked["note"]) == ("acknowledged", "on it")
    assert acked["changed_by"].endswith(":user/local")
    assert terminal.json("findings", "--user", user[0])["findings"] == []
    terminal.json("close", finding_id)
    assert [
        f["state"] for f in terminal.json("findings", "--user", user[0], "--state", "all")["findings"]
    ] == ["closed"]
    terminal.json("reopen", finding_id)
    assert len(terminal.json("finding", finding_id)["history"]) == 3


@pytest.mark.parametrize("second", [UNKNOWN, "x"])
def test_one_of_several_findings_that_is_not_there_leaves_all_as_they_are(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str], second: str
) -> None:
    finding_id = found_burst(stack, terminal, user)

    assert terminal.run("close", finding_id, second)[0] in (Exit.NO, Exit.REFUSED)

    assert terminal.json("finding", finding_id)["finding"]["state"] == "open"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("findings", "--state", "done"), Exit.REFUSED, "acknowledged"),
        (("findings", "--severity", "HIGH"), Exit.REFUSED, "'high'"),
        (("findings", "--rule", "stuffing"), Exit.REFUSED, "stuffing_from_one_source"),
        (("findings", "--user", "nobody@example.com"), Exit.NO, "is no user name"),
        (("findings", "--since", "2026-12-01"), Exit.REFUSED, "with its zone"),
        (("finding", UNKNOWN), Exit.NO, "is no finding here"),
        (("finding", "../events"), Exit.REFUSED, "is no finding here"),
        (("ack", UNKNOWN), Exit.NO, "is no finding here"),
        (("events", "--type", "login"), Exit.REFUSED, "login_succeeded"),
        (("events", "--session", "x"), Exit.REFUSED, "is no session's id here"),
        (("events", "--source", "192.0.2.7"), Exit.REFUSED, "32 hexadecimal"),
        (("events", "--severity", "low", "--type", "new_device"), Exit.REFUSED, "severity is of findings"),
        (("events", "--usr", "x"), Exit.REFUSED, "'--user'"),
        (("events", "--limit", "0"), Exit.REFUSED, "1<=x<="),
        (("events", "--user", ""), Exit.REFUSED, "The user name or id is empty"),
        (("findings", "--user", ""), Exit.REFUSED, "The user name or id is empty"),
        (("sessions", ""), Exit.REFUSED, "The user name or id is empty"),
        (("whois", ""), Exit.REFUSED, "The user, session or device is empty"),
        (("events", "--type", ""), Exit.REFUSED, "type is empty"),
        (("events", "--session", ""), Exit.REFUSED, "The session's id is empty"),
        (("events", "--follow", "--csv"), Exit.REFUSED, "--follow is without"),
    ],
)
def test_a_mistyped_filter_is_refused_with_what_would_be_right_and_lists_nothing(
    terminal: Terminal, arguments: tuple[str, ...], code: Exit, says: str
) -> None:
    found, out, err = terminal.run(*arguments)

    assert (found, out) == (code, "")
    assert says in err


def test_events_are_searched_and_exported_and_no_cell_is_a_formula(
    stack: LocalStack, terminal: Terminal, user: tuple[str, str]
) -> None:
    session = signed_in(stack, user[0])
    terminal.json("end", session["session_id"], "--reason", "=HYPERLINK(1)", "--yes")

    of_session = terminal.json("events", "--session", session["session_id"])["events"]
    _, exported, _ = terminal.run("events", "--user", user[0], "--csv", "--since", "1h")

    assert {event["session_id"] for event in of_session} == {session["session_id"]}
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert [row["type"] for row in rows][-1] in ("login_succeeded", "new_device")
    assert {row["user_id"] for row in rows} == {user[1]}
    assert json.loads(rows[0]["detail"])["note"] == "=HYPERLINK(1)"
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]


def test_follow_shows_events_as_they_come(stack: LocalStack, user: tuple[str, str]) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/shared'}"}
    signed_in(stack, user[0])
    arguments = ["events", "--user", user[0], "--follow", "--since", "1m", "--json"]
    arguments += ["--local", "--url", stack.base_url]
    with subprocess.Popen(
        [sys.executable, "-m", "tokens_command", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        # What runs in the background of a shell ignores interrupts, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as following:
        assert following.stdout is not None
        try:
            kinds = [json.loads(following.stdout.readline())["type"] for _ in range(2)]
            signed_in(stack, user[0])
            kinds += [json.loads(following.stdout.readline())["type"] for _ in range(2)]
        finally:
            following.send_signal(signal.SIGINT)

    assert kinds == ["login_succeeded", "new_device"] * 2
    assert following.returncode == Exit.INTERRUPTED


# --- Keys, upkeep


def test_keys_have_states_ages_and_next_turns_and_one_is_withdrawn(terminal: Terminal) -> None:
    code, out, _ = terminal.run("keys")
    keys = terminal.json("keys")["keys"]
    [standby] = [key for key in keys if (key["purpose"], key["state"]) == ("signing", "published")]
    assert (code, standby["kid"] in out, standby["next_state"]) == (Exit.DONE, True, "signing")

    answer = terminal.json("withdraw", standby["kid"], "--reason", "leaked", "--yes", "--no-wait")

    assert answer["withdrawn"] == standby["kid"]
    assert standby["kid"] not in {key["kid"] for key in terminal.json("keys")["keys"]}
    assert terminal.json("rotate", "--reason", "look")["steps"] == []
    [event, *_] = terminal.json("events", "--type", "signing_key_withdrawn")["events"]
    assert event["detail"]["note"] == "leaked"


def test_a_withdrawal_waits_until_caches_have_forgotten_the_key(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tokens_command.keys.time.sleep", waits.append)
    [standby] = [k["kid"] for k in terminal.json("keys")["keys"] if k["state"] == "published"][1:2]

    assert terminal.run("withdraw", standby, "--reason", "x", "--yes")[0] == Exit.DONE

    assert waits[-1] in (30, 300)


def test_an_interrupted_wait_says_that_the_key_is_withdrawn(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: float) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("tokens_command.keys.time.sleep", interrupted)
    [standby] = [k["kid"] for k in terminal.json("keys")["keys"] if k["state"] == "published"][1:2]

    code, out, err = terminal.run("withdraw", standby, "--reason", "x", "--yes", "--json")

    assert (code, json.loads(out)["withdrawn"]) == (Exit.INTERRUPTED, standby)
    assert f"The key {standby} is withdrawn" in json.loads(err)["error"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("withdraw", "nonsense", "--reason", "x", "--yes"), Exit.NO),
        (("withdraw", "metadata.1", "--reason", "x"), Exit.UNCONFIRMED),
        (("rotate", "tokens", "--reason", "x", "--yes"), Exit.REFUSED),
        (("rotate", "token-chain", "--reason", "x"), Exit.UNCONFIRMED),
        (("rotate", "token-chain", "--reason", "x", "--yes"), Exit.REFUSED),
        (("replay", "--since", "2h", "--until", "3h", "--reason", "x", "--yes"), Exit.REFUSED),
        (("replay", "--since", "2h", "--until", "now", "--reason", "x"), Exit.UNCONFIRMED),
        (("skip", UNKNOWN, "--reason", "x", "--yes"), Exit.NO),
        (("skip", "x", "--reason", "x", "--yes"), Exit.REFUSED),
        (("recount", "--since", "52w", "--reason", "x", "--yes"), Exit.REFUSED),
        (("dlq", "list"), Exit.REFUSED),
        (("dlq", "redrive", "--yes"), Exit.REFUSED),
        (("doctor",), Exit.REFUSED),
    ],
)
def test_what_is_mistyped_not_confirmed_or_not_there_changes_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: Exit
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    keys, debt = terminal.json("keys", "--all"), terminal.json("debt")["outbox"]

    assert terminal.run(*arguments)[0] == code

    assert terminal.json("keys", "--all") == keys
    assert terminal.json("debt")["outbox"]["pending"] >= debt["pending"]


def test_debt_cleanup_replay_skip_and_recount(stack: LocalStack, terminal: Terminal) -> None:
    signed_in(stack, BOB.username)
    debt = terminal.json("debt")
    assert "auth_user_tokens" in {table["table"] for table in debt["cleanup"]}
    assert terminal.json("cleanup", "--catch-up")["complete"] is True

    span = ("--since", "1h", "--until", "now", "--reason", "SIEM restored")
    counted = terminal.json("replay", *span, "--dry-run")
    sent = terminal.json("replay", *span, "--yes")
    assert (counted["replayed"], sent["replayed"]) == (False, True)
    assert sent["events"] >= counted["events"] > 0

    [event, *_] = terminal.json("events", "--limit", "1")["events"]
    assert terminal.json("skip", event["id"], "--reason", "refused", "--yes") == {"event_id": event["id"]}
    assert terminal.json("recount", "--since", "2h", "--reason", "by hand", "--yes")["since"] % 3600 == 0


def test_smoke_without_a_password_says_how_to_give_one(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEPLOY_PROBE_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    code, _, err = terminal.run("smoke", "--user", BOB.username)

    assert (code, err.startswith("tokens: There is no password: set DEPLOY_PROBE_PASSWORD")) == (2, True)


def test_smoke_is_that_of_deploy(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_PROBE_PASSWORD", PASSWORD)

    code, out, _ = terminal.run("smoke", "--user", BOB.username)
    assert code == Exit.DONE
    assert {line.split(" ")[0] for line in out.splitlines()} == {"ok"}

    monkeypatch.setenv("DEPLOY_PROBE_PASSWORD", "wrong")
    assert terminal.run("smoke", "--user", BOB.username)[0] == Exit.NO
