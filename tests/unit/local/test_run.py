"""`make run` with what cannot work: one line that says what would be right, before anything has started."""

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.host.ports import HOST, free_port
from local.progress import Progress
from local.run import run


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A folder of its own, and none of the settings of whoever runs the tests."""
    for name in ("ORIGINS", "SET", "PROXY", "PORTAL_MAP", "TOKENS_DB", "TOKENS_DB_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCAL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PORT", str(free_port()))  # the usual one may be that of somebody's own run
    monkeypatch.setattr("local.run.LocalStack", lambda *_, **__: pytest.fail("something was started"))
    yield


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a run ends with."""
    assert run(Progress(io.StringIO())) == 1
    told = capsys.readouterr()
    assert told.out == ""
    [line] = told.err.splitlines()
    return line


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "3000.0"])
def test_a_port_that_is_none(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", port)

    assert refusal(capsys) == f"make run: PORT must be a port number from 1 to 65535, not '{port}'"


def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))

        assert refusal(capsys) == f"make run: port {port} is taken; choose another: make run PORT=3001"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "SET names no parameter: write SET=\"AccessTtlS=60 AdminLabel='two words'\""),
        ("AcessTtlS=60", "there is no parameter AcessTtlS; is it AccessTtlS?"),
        ("AccessTtlS=1", "AccessTtlS must be a whole number from 30 to 3600"),
    ],
)
def test_a_wrong_set(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SET", text)

    assert refusal(capsys) == f"make run: {said}"


def test_a_state_folder_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").write_text("a file")

    assert refusal(capsys) == (
        f"make run: the state folder {tmp_path / 'state'} cannot be used (File exists); LOCAL_STATE_DIR names another"
    )
