"""One line for each request: what was asked and answered, why it was refused, and nothing that moves the cursor."""

import io
import json
import re
from pathlib import Path

import pytest

from local.gateway.exchange import Exchange
from local.gateway.request_log import RequestLog

NOWHERE = Path("/nowhere")
ESCAPE = "\x1b"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def line_of(exchange: Exchange, logs: Path = NOWHERE) -> str:
    """The line of an exchange, without its time and with single spaces."""
    stream = io.StringIO()
    RequestLog(stream, logs)(exchange)
    [line] = stream.getvalue().splitlines()
    found = re.fullmatch(r"\d\d:\d\d:\d\d (.*)", line)
    assert found
    return re.sub(" +", " ", found[1])


def wrote(logs: Path, name: str, *lines: object) -> None:
    (logs / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


def test_a_line_has_method_path_status_and_duration() -> None:
    assert line_of(Exchange("GET", "/auth/session", 200, 0.0123)) == "GET /auth/session 200 12 ms"


def test_a_refusal_has_the_reason_that_its_function_logged_for_this_request(tmp_path: Path) -> None:
    other = {"message": "request", "request_id": "other", "outcome": "rate_limited"}
    own = {"message": "request", "request_id": "own", "outcome": "invalid_grant", "detail": "expired 3 s ago"}
    wrote(tmp_path, "RefreshFunction.log", {"message": "settings"}, own, other)
    wrote(tmp_path, "AuthorizerFunction.log", {"message": "authorize", "request_id": "own", "outcome": "ok"})

    line = line_of(Exchange("POST", "/auth/token", 400, 0.002, "own", "gateway: ignored"), tmp_path)

    assert line == "POST /auth/token 400 2 ms invalid_grant: expired 3 s ago"


def test_a_fault_names_the_log_file_that_has_more(tmp_path: Path) -> None:
    wrote(tmp_path, "IssueFunction.log", {"request_id": "own", "outcome": "server_error", "detail": None})

    line = line_of(Exchange("POST", "/auth/login", 500, 0.002, "own"), tmp_path)

    assert line == "POST /auth/login 500 2 ms server_error (IssueFunction.log)"


def test_a_line_is_found_behind_a_long_log_whose_tail_begins_within_a_line(tmp_path: Path) -> None:
    log = tmp_path / "IssueFunction.log"
    log.write_text(
        '{"request_id": "own", "padding": "'
        + "x" * 100_000
        + '"}\n'
        + '{"request_id": "own", "outcome": "no"}\n'
    )

    assert line_of(Exchange("GET", "/", 400, 0, "own"), tmp_path) == "GET / 400 0 ms no"


def test_a_log_of_any_length_costs_a_read_of_its_end_alone(tmp_path: Path) -> None:
    with (tmp_path / "IssueFunction.log").open("wb") as log:
        log.truncate(2**36)  # more than fits into memory, and takes no room
        log.seek(0, io.SEEK_END)
        log.write(b'\n{"request_id": "own", "outcome": "no"}\n')

    assert line_of(Exchange("GET", "/", 400, 0, "own"), tmp_path) == "GET / 400 0 ms no"


def test_a_refusal_that_no_function_logged_has_the_gateways_own_reason() -> None:
    line = line_of(Exchange("GET", "/admin/keys", 403, 0, "own", "gateway: invalid signature: too old"))

    assert line == "GET /admin/keys 403 0 ms gateway: invalid signature: too old"


def test_what_is_no_refusal_reads_no_log(tmp_path: Path) -> None:
    wrote(tmp_path, "IssueFunction.log", {"request_id": "own", "outcome": "odd"})

    assert line_of(Exchange("GET", "/x", 302, 0, "own"), tmp_path) == "GET /x 302 0 ms"


def test_a_request_that_could_not_be_read_has_no_path() -> None:
    assert (
        line_of(Exchange("GET", "", 400, 0, reason="gateway: Bad Request"))
        == "GET - 400 0 ms gateway: Bad Request"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a{ESCAPE}[2Jb", "a\\x1b[2Jb"),
        ("a\r\nb\x07\x08\x9b", "a\\r\\nb\\x07\\x08\\x9b"),
        ("a\u202eb\u2028", "a\\u202eb\\u2028"),
        ("größte", "größte"),
        ("x" * 300, "x" * 200 + "…"),
    ],
    ids=["escape", "line breaks, bell, backspace, CSI", "right to left, line separator", "letters", "long"],
)
def test_a_hostile_text_stays_on_its_line(text: str, shown: str) -> None:
    assert line_of(Exchange("GET", text, 400, 0, reason=text)) == f"GET {shown} 400 0 ms {shown}"


@pytest.mark.parametrize("token", ["aut_rt_" + "A1b2" * 25, "eyJhbGciOiJFUzI1NiJ9." + "A1b2" * 20 + ".c2ln"])
def test_a_token_is_never_shown_whole(token: str) -> None:
    line = line_of(Exchange("GET", f"/auth/{token}", 404, 0, reason=f"no such {token}"))

    assert token not in line
    assert "A1b2A1b2" not in line


@pytest.mark.parametrize(
    ("stream", "environment", "is_coloured"),
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False),
        (io.StringIO, {}, False),
    ],
    ids=["terminal", "NO_COLOR empty", "NO_COLOR", "dumb", "file"],
)
def test_colour_is_for_terminals_whose_owner_wants_it(
    stream: type[io.StringIO],
    environment: dict[str, str],
    is_coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = stream()

    RequestLog(out, NOWHERE)(Exchange("GET", "/", 200, 0))

    assert (ESCAPE in out.getvalue()) is is_coloured


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_is_gone_harms_no_request() -> None:
    RequestLog(Gone(), NOWHERE)(Exchange("GET", "/", 200, 0))
