"""clients/javascript with sessions that are bound to a key (DPoP), against the running service: in Node, and in a page
of another origin in Chromium."""

import contextlib
import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pymysql
import pytest
from pymysql.cursors import Cursor

from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.clients.test_service import node
from tests.conftest import new_stack
from tests.support.browser import started

CLIENT = Path(__file__).parents[2] / "clients" / "javascript"
BOB = USERS[1].username
# A page's own script: signs in, is opened anew, calls, and tries to read the key.
PAGE = """
const [issuer, username, password, done] = arguments;
(async () => {
  const { createClient } = await import("/client.js");
  const statuses = [];
  const send = async (...given) => {
    const response = await fetch(...given);
    statuses.push(response.status);
    return response;
  };
  const opened = () => createClient({ issuer, dpop: true, storage: "indexeddb", storageKey: "key", fetch: send });
  await opened().signIn({ username, password });
  const client = opened();
  await client.ready;
  await client.request("GET", "/auth/session");
  await client.request("GET", "/auth/session");
  const { get } = await import("/indexeddb.js");
  const { privateKey } = await get("key key");
  const shown = await crypto.subtle.exportKey("jwk", privateKey).catch((error) => error.name);
  await client.signOut();
  return { statuses, isExtractable: privateKey.extractable, shown };
})().then(done, (error) => done(String(error)));
"""


@pytest.fixture(scope="module")
def page_origin() -> Iterator[str]:
    """Serves the client's files."""
    handler = functools.partial(_Files, directory=str(CLIENT))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def service(
    database: DatabaseAddress,
    administrator: "pymysql.Connection[Cursor]",
    aws: LocalAws,
    page_origin: str,
) -> Iterator[LocalStack]:
    settings = {"RetryWindowS": "1", "AllowedOrigins": page_origin}
    with new_stack(database, administrator, aws, "inprocess", settings) as started_stack:
        yield started_stack


def test_a_bound_session_lives_through_a_wrong_clock_lost_answers_lost_nonces_and_refusals(
    service: LocalStack,
) -> None:
    done = node("bound.mjs", service.base_url, given={"username": BOB, "password": PASSWORD})
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)

    login, token, step_up, jobs = "/auth/login", "/auth/token", "/auth/step-up", "/examples/http/jobs"
    assert result == {
        "signedIn": [f"{login} 400", f"{login} 400", f"{login} 200"],  # the clock, the nonce
        "called": [[f"{jobs} 200"], 200],
        # The clock was set meanwhile, and then the answer was lost.
        "refreshed": [f"{token} 400", f"{token} 200", f"{token} 200"],
        "nonce": [f"{token} 400", f"{token} 400", f"{token} 200"],
        "answered": [[f"{jobs} 403", f"{token} 400", f"{token} 200", f"{jobs} 200"], 200],
        "raised": [f"{step_up} 400", f"{step_up} 401", f"{step_up} 200", f"{step_up} 200"],
        "bearer": 401,
        "after": "invalid_grant",
    }


def test_a_page_of_another_origin_has_a_key_that_no_script_reads(
    service: LocalStack, page_origin: str, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        browser = started(tmp_path)
        stack.callback(browser.quit)
        browser.get(f"{page_origin}/package.json")
        browser.set_script_timeout(30)
        result = browser.execute_async_script(PAGE, service.base_url, BOB, PASSWORD)  # type: ignore[no-untyped-call]

    assert result == {
        "statuses": [400, 200, 401, 200, 200, 200],  # each client asks for a nonce once, and then keeps it
        "isExtractable": False,
        "shown": "InvalidAccessError",
    }
