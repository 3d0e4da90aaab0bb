"""The page that `make run` begins with, in headless Chromium, and what a page of elsewhere gets of it: nothing."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from local.client import Client
from local.host.paths import ROOT
from local.seed import PASSWORD, USERS
from tests.support.browser import Page, wait_for
from tests.support.runs import Run

IMPORT_MAP = '{"imports": {"auth-user-tokens-client": "/client.js"}}'
ELSEWHERE = f"""<!doctype html><title>elsewhere</title><link rel="icon" href="data:,">
<script type="importmap">{IMPORT_MAP}</script>
<script>console.log = (session) => {{ document.title = session.sub; }};</script>
<script type="module" src="snippet.js"></script>"""


class _Quiet(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")  # a file that is written twice in a second has one date
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def elsewhere(running: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that a server at the allowed origin has; the client is in it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for script in (ROOT / "clients" / "javascript").glob("*.js"):
        (folder / script.name).symlink_to(script)
    (folder / "index.html").write_text(ELSEWHERE)
    (folder / "snippet.js").write_text("")
    at = ("127.0.0.1", urlsplit(running.origin).port or 0)
    with ThreadingHTTPServer(at, functools.partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder
        server.shutdown()


def test_the_page_says_what_runs_and_each_of_its_links_leads_somewhere(
    running: Run, browser: WebDriver
) -> None:
    page = Page(browser, f"{running.address}/")

    install = page.text("#install")
    # The picture has no folder of this machine.
    browser.execute_script(
        "document.querySelector('#install').textContent = 'npm install …/clients/javascript'"
    )
    page.photograph("landing")

    assert install == f"npm install {ROOT / 'clients' / 'javascript'}"
    text = page.text("main")
    assert [user.username for user in USERS if user.username in text] == [user.username for user in USERS]
    assert PASSWORD in text
    assert "AccessTtlS=61 (default: 600)" in text
    links = {str(link.get_attribute("href")).partition("#")[0] for link in page.all("a")}
    assert {f"{running.address}/_local/logs/MigrateFunction.log", f"{running.address}/pages/account"} <= links
    paths = {link.removeprefix(running.address) for link in links}
    assert {path: Client(running.address).get(path).status for path in paths} == dict.fromkeys(paths, 200)
    assert page.faults() == []


def test_the_api_is_shown_without_a_further_command(running: Run, browser: WebDriver) -> None:
    page = Page(browser, f"{running.address}/_local/reference/")

    page.find(".opblock")

    assert page.faults() == []


def test_a_page_on_another_port_signs_in_by_the_snippet(
    running: Run, browser: WebDriver, elsewhere: Path
) -> None:
    snippet = Page(browser, f"{running.address}/").text("#snippet")
    (elsewhere / "snippet.js").write_text(snippet)

    page = Page(browser, f"{running.origin}/")

    wait_for(browser, lambda b: b.title == USERS[1].id, snippet)
    assert page.faults() == []


READ = """
const [address, done] = arguments;
const outcome = (path, how) => fetch(address + path, how).then((answer) => answer.type, () => "refused");
Promise.all([
  outcome("/"), outcome("/_local/running"), outcome("/_local/logs/MigrateFunction.log"), outcome("/_local/metrics"),
  outcome("/_local/invoke/migrate", { method: "POST", mode: "no-cors", body: "{}" }),
]).then(done);
"""
FRAME = """
const [address, done] = arguments;
const frame = document.createElement("iframe");
frame.addEventListener("load", () => done(true));
frame.src = address;
document.body.append(frame);
"""


def test_a_page_of_another_origin_reads_invokes_and_frames_nothing_even_where_it_may_call_the_service(
    running: Run, browser: WebDriver, elsewhere: Path
) -> None:
    (elsewhere / "snippet.js").write_text("")
    browser.get(f"{running.origin}/")
    before = running.told

    outcomes = browser.execute_async_script(READ, running.address)
    browser.execute_async_script(FRAME, f"{running.address}/")

    assert outcomes == [*["refused"] * 4, "opaque"]
    asked = [line.split()[1:4] for line in running.told.removeprefix(before).splitlines()]
    assert sorted(asked) == [
        ["GET", "/", "403"],
        ["GET", "/", "403"],
        ["GET", "/_local/logs/MigrateFunction.log", "403"],
        ["GET", "/_local/metrics", "403"],
        ["GET", "/_local/running", "403"],
        ["POST", "/_local/invoke/migrate", "403"],
    ]


@pytest.mark.parametrize("path", ["/", "/_local/running", "/_local/reference/", "/.well-known/jwks.json"])
def test_a_name_that_somebody_leads_to_this_machine_gets_nothing(running: Run, path: str) -> None:
    answer = Client(running.address).get(path, headers={"Host": "attacker.example"})

    assert answer.status == 421
    assert USERS[0].username.encode() not in answer.body
    assert running.told.splitlines()[-1].endswith(
        "gateway: Local mode serves the hosts 127.0.0.1 and localhost only."
    )
