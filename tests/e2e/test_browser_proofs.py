"""A page of another origin with a key of its own, by WebCrypto and fetch alone, against the service."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.cursors import Cursor
from selenium.webdriver.remote.webdriver import WebDriver

from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack

SCRIPT = (Path(__file__).parent / "browser-proofs.js").read_text("utf-8")
LIMIT_S = 30


class Page(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "15")
        self.end_headers()
        self.wfile.write(b"<!doctype html>")

    def log_message(self, *_: object) -> None:
        return None


@contextlib.contextmanager
def served_page() -> Iterator[str]:
    """Its origin. 127.0.0.1 counts as secure, so WebCrypto is there."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served_page() as served:
        yield served


@pytest.fixture(scope="module")
def service(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws, origin: str
) -> Iterator[LocalStack]:
    with new_stack(database, administrator, aws, "inprocess", {"AllowedOrigins": origin}) as started:
        yield started


def seen_in(browser: WebDriver, service: LocalStack, algorithm: str) -> dict[str, Any]:
    browser.set_script_timeout(LIMIT_S)
    user = {"username": USERS[0].username, "password": PASSWORD, "client_id": "portal-web"}
    given = {"issuer": service.base_url, "algorithm": algorithm, "user": user}
    seen: dict[str, Any] = browser.execute_async_script(SCRIPT, given)
    return seen


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_a_page_of_another_origin_lives_a_key_bound_session_and_its_key_cannot_leave(
    service: LocalStack, browser: WebDriver, origin: str, algorithm: str
) -> None:
    browser.get(origin)

    seen = seen_in(browser, service, algorithm)

    assert seen == {
        "exported": "InvalidAccessError",
        "first": [400, "use_dpop_nonce"],
        "signed_in": [200, "DPoP"],
        "session": 200,
        "without_nonce": [401, "use_dpop_nonce", "DPoP"],
        "refreshed": [200, "DPoP"],
        "as_bearer": [401, "invalid_token"],
        "logged_out": 204,
        "after": [400, "invalid_grant"],
    }


def test_a_page_of_an_origin_that_is_not_allowed_reads_no_nonce(
    service: LocalStack, browser: WebDriver
) -> None:
    with served_page() as other:
        browser.get(other)

        assert seen_in(browser, service, "ES256") == {"error": "TypeError: Failed to fetch"}
