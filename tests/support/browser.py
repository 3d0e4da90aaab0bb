"""A browser as a person uses it: headless Chromium, which finds no host but this machine."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from local.seed import PASSWORD
from tests.support.looks import IMAGES, faults_in_each_look

T = TypeVar("T")
WAIT_S = 20
POLL_S = 0.05
HOLD = """
const [path] = arguments;
const real = window.fetch;
const held = new Promise((resolve) => (window.release = resolve));
window.fetch = async (request, ...rest) => {
  const answer = await real(request, ...rest);
  if (!String(request.url ?? request).includes(path)) return answer;
  window.isHeld = true;
  await held;
  return answer;
};
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Nothing in the background: the tests reach no network.
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1280,1600",
)


def started(profile: Path, *further: str) -> WebDriver:
    """A headless Chromium without a past. profile: a folder of its own; further: flags."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    assert program and driver, (
        "Please install Chromium and its driver: apt-get install chromium chromium-driver"
    )
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*QUIET, *further, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def forget(browser: WebDriver, origin: str) -> None:
    """From now on the browser has no past with the service at this origin."""
    browser.get(f"{origin}/pages/style.css")
    browser.delete_all_cookies()
    browser.execute_script("localStorage.clear()")


def wait_for(
    browser: WebDriver,
    found: Callable[[WebDriver], T],
    message: str = "",
    ignored: tuple[type[Exception], ...] = (),
) -> T:
    """What `found` returns, once that is anything. message: what was waited for; ignored: as if it returned nothing."""
    return WebDriverWait(browser, WAIT_S, POLL_S, ignored_exceptions=ignored).until(found, message)


class Page:
    """What a person sees and does."""

    def __init__(self, browser: WebDriver, url: str) -> None:
        self.browser = browser
        browser.get("about:blank")
        browser.get_log("browser")  # what the page before this one still asked for is no fault of this one
        browser.get(url)

    def find(self, selector: str) -> WebElement:
        """The first visible element of a selector; waits for it."""
        return self._with(selector, lambda one: one)

    def click(self, selector: str) -> None:
        self._with(selector, lambda one: one.click())

    def type(self, selector: str, *keys: str) -> None:
        self._with(selector, lambda one: one.send_keys(*keys))

    def text(self, selector: str) -> str:
        return self._with(selector, lambda one: one.text)

    def attribute(self, selector: str, name: str) -> str | None:
        return self._with(selector, lambda one: one.get_attribute(name))

    def _with(self, selector: str, act: Callable[[WebElement], T]) -> T:
        """What `act` gives for the first visible element, once there is one. A page that loads replaces what it showed:
        then it is found anew."""

        def acted(browser: WebDriver) -> list[T]:
            found = browser.find_elements(By.CSS_SELECTOR, selector)
            visible = next((one for one in found if one.is_displayed()), None)
            return [act(visible)] if visible else []

        return wait_for(self.browser, acted, selector, (StaleElementReferenceException,))[0]

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def sign_in(self, username: str, password: str = PASSWORD) -> None:
        for name, text in (("username", username), ("password", password)):
            self.type(f"#sign-in [name={name}]", Keys.CONTROL, "a", Keys.NULL, text)
        self.click("#sign-in button")

    def wait_for_notice(self, text: str) -> None:
        """Until a message says it."""
        self.wait_for_text(".toasts", text)

    def wait_for_text(self, selector: str, text: str) -> None:
        def says_it(browser: WebDriver) -> bool:
            # What is replaced meanwhile has no text any more.
            return browser.execute_script(
                "return [...document.querySelectorAll(arguments[0])].some((one) =>"
                " one.innerText.includes(arguments[1]))",
                selector,
                text,
            )

        wait_for(self.browser, says_it, text)

    def wait_until_gone(self, selector: str) -> None:
        wait_for(self.browser, lambda _: self.all(selector) == [], selector)

    def hold(self, path: str) -> None:
        """From now on the answers to requests with this in their address are kept from the page, until `release`."""
        self.browser.execute_script(HOLD, path)

    def wait_until_held(self) -> None:
        """Until there is such an answer."""
        wait_for(self.browser, lambda browser: browser.execute_script("return window.isHeld"))

    def release(self) -> None:
        self.browser.execute_script("release()")

    def follow_out(self, link: WebElement) -> str:
        """Where a link of the page leads that leads out of it: to a tab of its own, which knows nothing of the page."""
        here = self.browser.current_window_handle
        assert link.get_attribute("rel") == "noreferrer"
        link.click()
        wait_for(self.browser, lambda browser: len(browser.window_handles) == 2)
        [tab] = set(self.browser.window_handles) - {here}
        self.browser.switch_to.window(tab)
        try:
            wait_for(self.browser, lambda browser: browser.current_url != "about:blank")
            assert self.browser.execute_script("return opener") is None
            return self.browser.current_url
        finally:
            self.browser.close()
            self.browser.switch_to.window(here)

    def photograph(self, name: str) -> None:
        """The page in this state can be seen and used: on both screens, in both schemes. With RECORD=1
        docs/images/pages has it anew."""
        faults = list(faults_in_each_look(self.browser, name))
        assert not faults, "\n".join(faults)

    def keep_picture(self, name: str) -> None:
        """With RECORD=1 docs/images has the page anew, as it is now."""
        if os.environ.get("RECORD"):
            self.browser.save_screenshot(str(IMAGES / f"{name}.png"))

    def faults(self, *expected: str) -> list[str]:
        """What the browser complains of: scripts that failed, what the Content-Security-Policy refused. expected: parts
        of what it may say."""
        messages = [entry["message"] for entry in self.browser.get_log("browser")]
        return [text for text in messages if not any(part in text for part in ("status of 401", *expected))]
