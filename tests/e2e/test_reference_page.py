"""The API's reference page, as `make docs` writes it, in Chromium: it needs nothing of elsewhere."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.contract.document import DOCUMENT
from tests.support.browser import Page
from tools.reference.__main__ import public, write_reference

# One of two tags is shown below each.
OPERATIONS = {
    f"operations-{tag}-{operation['operationId']}"
    for item in public(DOCUMENT)["paths"].values()
    for operation in item.values()
    if isinstance(operation, dict)
    for tag in operation["tags"]
}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's address, on a server of files."""
    folder: Path = tmp_path_factory.mktemp("reference")
    write_reference(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_the_page_shows_every_public_operation_and_loads_nothing_of_elsewhere(
    browser: WebDriver, reference: str
) -> None:
    page = Page(browser, reference)

    page.find(".opblock")
    page.keep_picture("reference")

    assert {one.get_attribute("id") for one in page.all(".opblock")} == OPERATIONS
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert loaded
    assert [name for name in loaded if not name.startswith((reference, "data:"))] == []
    assert page.faults() == []


def test_a_signed_route_shows_how_to_sign(browser: WebDriver, reference: str) -> None:
    page = Page(browser, reference)

    page.click("#operations-operators-listSecurityEvents .opblock-summary-control")

    text = page.text("#operations-operators-listSecurityEvents .opblock-description")
    assert "--aws-sigv4" in text
    assert "SigV4Auth" in text
    assert page.faults() == []
