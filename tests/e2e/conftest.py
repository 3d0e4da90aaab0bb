"""What the tests of pages and of `make run` share."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from local.servers.database.address import DatabaseAddress
from tests.support import browser as browsers
from tests.support import runs


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    driver = browsers.started(tmp_path_factory.mktemp("chromium"))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, database: DatabaseAddress) -> Iterator[runs.Run]:
    """`make run` for all tests that do not end it."""
    with runs.started(tmp_path_factory.mktemp("state"), database) as one:
        yield one
