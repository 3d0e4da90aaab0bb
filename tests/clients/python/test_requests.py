"""The auth for requests, over a loopback server: its hooks act on real answers only."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from auth_user_tokens import AuthError, Session
from tests.clients.python.lab import HandClock, Lab, answer


class Server:
    """answers: what it says next, `(status, headers, body)`; else 200. seen: `(method, path, authorization, body)`."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.seen: list[tuple[str, str, str | None, bytes]] = []
        seen, answers = self.seen, self.answers

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Transfer-Encoding") == "chunked":
                    while int(self.rfile.readline(), 16):
                        body += self.rfile.readline().strip()
                    self.rfile.readline()
                seen.append((self.command, self.path, self.headers.get("Authorization"), body))
                status, headers, content = answers.pop(0) if answers else (200, {}, b"done")
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def session(lab: Lab, server: Server) -> Session:
    made = lab.signed_in(apis=[server.url])
    lab.clock.passes(300)
    return made


def bearers(server: Server) -> list[str | None]:
    return [authorization for _, _, authorization, _ in server.seen]


def test_a_refused_token_is_refreshed_and_the_call_repeated(session: Session, server: Server) -> None:
    server.answers += [(401, {}, b"no")]

    reply = requests.post(
        f"{server.url}/jobs", json={"name": "night tram"}, auth=session.requests_auth(), timeout=5
    )

    assert reply.status_code == 200
    assert bearers(server) == ["Bearer access-0", "Bearer access-1"]
    assert server.seen[0][3] == server.seen[1][3] == b'{"name": "night tram"}'
    assert [each.status_code for each in reply.history] == [401]


def test_a_streamed_body_is_not_sent_twice_but_the_next_call_has_a_new_token(
    session: Session, server: Server
) -> None:
    server.answers += [(401, {}, b"no")]

    reply = requests.post(f"{server.url}/jobs", data=iter([b"part"]), auth=session.requests_auth(), timeout=5)
    requests.get(f"{server.url}/jobs", auth=session.requests_auth(), timeout=5)

    assert reply.status_code == 401
    assert bearers(server) == ["Bearer access-0", "Bearer access-1"]


def test_a_redirect_within_the_api_is_followed_and_its_refusal_refreshed(
    session: Session, server: Server
) -> None:
    server.answers += [(302, {"Location": "/jobs/"}, b""), (401, {}, b"")]

    reply = requests.get(f"{server.url}/jobs", auth=session.requests_auth(), timeout=5)

    assert reply.status_code == 200
    assert bearers(server) == ["Bearer access-0", "Bearer access-0", "Bearer access-1"]


def test_a_redirect_to_elsewhere_takes_no_token_along_and_its_refusal_is_no_reason(
    session: Session, server: Server, lab: Lab
) -> None:
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    server.answers += [(302, {"Location": f"{elsewhere}/"}, b""), (401, {}, b"")]

    reply = requests.get(f"{server.url}/jobs", auth=session.requests_auth(), timeout=5)

    assert reply.status_code == 401
    assert bearers(server) == ["Bearer access-0", None]
    assert lab.sent == []


def test_an_origin_that_was_not_named_gets_no_call(session: Session, server: Server) -> None:
    with pytest.raises(AuthError, match="foreign_origin"):
        requests.get("https://elsewhere.test/", auth=session.requests_auth(), timeout=5)


def test_the_sessions_own_requests_go_by_a_session_of_the_callers(server: Server) -> None:
    http = requests.Session()
    http.auth = ("name", "password")
    http.headers["X-Api-Key"] = "not for the service"
    moved = (307, {"Location": "http://localhost/"}, b"")
    page = (200, {"Content-Type": "text/html"}, b"<html>")
    good = (200, {"Content-Type": "application/json"}, json.dumps(answer(0)).encode())
    session = Session(server.url, http=http, clock=HandClock())

    for bad in (moved, page):
        server.answers[:] = [bad]
        with pytest.raises(AuthError, match="bad_answer"):
            session.sign_in("alice@example.com", "a password")
    server.answers[:] = [good]
    session.sign_in("alice@example.com", "a password")

    assert session.access_token() == "access-0"
    assert bearers(server) == [None, None, None]


def test_the_standard_sender_reads_whole_answers_of_the_service_and_follows_no_redirect(
    server: Server,
) -> None:
    session = Session(server.url, clock=HandClock())
    good = json.dumps(answer(0)).encode()
    bad = {
        "a redirect": (307, {"Location": "http://localhost/"}, b""),
        "a page": (502, {"Content-Type": "text/html"}, b"<html>"),
        "endless": (200, {"Content-Type": "application/json"}, b" " * 100_000 + good),
    }
    for given in bad.values():
        server.answers[:] = [given]
        with pytest.raises(AuthError):
            session.sign_in("alice@example.com", "a password")
    server.answers[:] = [(200, {"Content-Type": "application/json"}, good)]
    session.sign_in("alice@example.com", "a password")

    assert session.access_token() == "access-0"
    assert len(server.seen) == 4


def test_the_standard_sender_calls_half_an_answer_none(server: Server) -> None:
    session = Session(server.url, clock=HandClock())
    server.answers[:] = [(200, {"Content-Type": "application/json", "Connection": "close"}, b"{}")]
    server.server.RequestHandlerClass.send_header = _lying_length  # type: ignore[method-assign]

    with pytest.raises(AuthError, match="unreachable"):
        session.sign_in("alice@example.com", "a password")


def _lying_length(handler: Any, name: str, value: str) -> None:
    BaseHTTPRequestHandler.send_header(handler, name, "900" if name == "Content-Length" else value)
