"""Which service is this checkout's: the one that serves the id in its state folder. Anything else is left alone."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from local.host.ports import HOST, free_port
from local.running import PATH, Mark, NotFound, find_service, leave_mark, new_mark, read_mark, remove_mark


class _Something(BaseHTTPRequestHandler):
    """Answers every GET with the same text, and remembers what it was asked."""

    text = ""
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Where something else serves."""
    _Something.asked.clear()
    with HTTPServer((HOST, 0), _Something) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(autouse=True)
def no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)


def serve(text: str) -> None:
    _Something.text = text


def test_the_service_with_the_id_of_the_state_folder_is_found(tmp_path: Path, port: int) -> None:
    mark = new_mark(port)
    leave_mark(mark, tmp_path)
    serve(json.dumps({"id": mark.id}))

    assert find_service(tmp_path) == f"http://127.0.0.1:{port}"
    assert find_service(tmp_path, str(port)) == f"http://127.0.0.1:{port}"
    assert _Something.asked == [f"GET {PATH}"] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"id": "0011"}', "started by another checkout"),
        ("<h1>a blog</h1>", "not a service of `make run`"),
        ("[]", "not a service of `make run`"),
        ('{"id": "' + "0" * 2000, "not a service of `make run`"),
    ],
    ids=["another checkout", "no JSON", "other JSON", "without an end"],
)
def test_whatever_else_is_at_the_port_is_asked_once_and_left_alone(
    tmp_path: Path, port: int, text: str, said: str
) -> None:
    leave_mark(new_mark(port), tmp_path)
    serve(text)

    with pytest.raises(NotFound, match=said):
        find_service(tmp_path)

    assert _Something.asked == [f"GET {PATH}"]


def test_something_that_speaks_no_http_is_no_service(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        threading.Thread(target=lambda: listener.accept()[0].sendall(b"SSH-2.0\r\n\r\n"), daemon=True).start()

        with pytest.raises(NotFound, match="not a service"):
            find_service(tmp_path, str(listener.getsockname()[1]))


def test_a_port_that_was_asked_for_is_never_exchanged_for_the_checkouts_own(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = new_mark(port)
    leave_mark(mark, tmp_path)
    serve(json.dumps({"id": mark.id}))
    monkeypatch.setenv("PORT", str(free_port()))

    with pytest.raises(
        NotFound, match=rf"nothing answers at .*This checkout's service was at {mark.base_url}"
    ):
        find_service(tmp_path)

    assert _Something.asked == []


def test_a_run_that_was_killed_is_not_there_any_more(tmp_path: Path) -> None:
    leave_mark(Mark(free_port(), 1, "0011"), tmp_path)

    with pytest.raises(NotFound, match="start `make run` first"):
        find_service(tmp_path)


def test_a_mark_is_kept_until_its_service_ends(tmp_path: Path) -> None:
    mark = new_mark(3000)
    leave_mark(mark, tmp_path)
    assert read_mark(tmp_path) == mark

    remove_mark(tmp_path)
    remove_mark(tmp_path)

    assert read_mark(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"port": 1, "pid": 2, "id": "3", "more": 4}'])
def test_a_mark_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "running.json").write_text(text)

    with pytest.raises(NotFound, match=r"running\.json cannot be read"):
        find_service(tmp_path)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "٣٠٠٠", "3000 ", "1" * 5000])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(ValueError, match="PORT must be a port number from 1 to 65535"):
        find_service(tmp_path, port)
