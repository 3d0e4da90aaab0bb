"""The pages when something is wrong between them and the service: a sentence, a way on, and nothing lost."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from local.client import Client
from local.stack import LocalStack
from local.traffic.population import populate
from tests.e2e.test_pages import agree, login, signed_in
from tests.support.bad_network import BadNetwork
from tests.support.browser import Page, forget, started

CAPTIVE = "<!doctype html><title>Hotel</title><p>Please give your room number."
BROKEN = "<html><body><h1>502 Bad Gateway</h1></body></html>"
FOREIGN = (
    '{"error": "access_denied", "error_description": "X-CSRF-Token is missing or not that of this session."}'
)
# What the browser itself says of the answers that these tests give.
EXPECTED = ("status of 502", "status of 503", "ERR_INTERNET_DISCONNECTED", "status of 400")


@pytest.fixture(scope="module")
def network() -> Iterator[BadNetwork]:
    with BadNetwork() as between:
        yield between


@pytest.fixture(scope="module")
def browser(network: BadNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    driver = started(tmp_path_factory.mktemp("chromium"), *network.flags)
    yield driver
    driver.quit()


@pytest.fixture
def page(lambda_stack: LocalStack, browser: WebDriver, network: BadNetwork) -> Page:
    """Somebody who is signed in, with another device."""
    network.recovers()
    [person] = populate(lambda_stack.base_url, 1, seed=3).usernames
    login(lambda_stack, person, "tablet")
    forget(browser, lambda_stack.base_url)
    return signed_in(lambda_stack, browser, person)


def sign_out_tablet(page: Page) -> None:
    page.click("button[aria-label='Sign out this device: tablet']")
    agree(page, "Sign out this device")


def offline(browser: WebDriver, *, is_off: bool) -> None:
    speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": is_off, **speed})


def test_what_answers_in_place_of_the_service_is_told_and_ends_nothing(
    page: Page, network: BadNetwork
) -> None:
    network.answers(502, BROKEN)
    sign_out_tablet(page)
    page.wait_for_notice("what is before it said 502")
    network.answers(503, BROKEN, retry_after_s=40)
    sign_out_tablet(page)
    page.wait_for_notice("The service is busy. Please try again in 40 sec.")
    network.answers(200, CAPTIVE)
    sign_out_tablet(page)
    page.wait_for_notice("perhaps the sign-in page of a network")
    network.answers(403, FOREIGN)
    sign_out_tablet(page)
    page.wait_for_notice("did not take this for a request of this page")
    assert page.text("#failures button") == "Load the page again"

    network.recovers()
    sign_out_tablet(page)
    page.wait_for_notice("tablet is signed out.")
    assert page.all("#failures .toast") == []
    assert page.faults(*EXPECTED, "status of 403") == []


def test_offline_what_is_shown_stays_with_its_age_and_comes_anew_by_itself(
    page: Page, browser: WebDriver
) -> None:
    offline(browser, is_off=True)
    sign_out_tablet(page)
    page.wait_for_notice("You are offline.")
    browser.execute_script("Date.now = ((now) => () => now() + 60000)(Date.now)")  # a minute later
    browser.execute_script("dispatchEvent(new Event('visibilitychange'))")

    page.wait_for_text("#devices .refusal", "What you see was updated 1 min. ago.")
    assert len(page.all(".device")) == 2
    page.photograph("offline")

    offline(browser, is_off=False)
    page.wait_until_gone(".refusal")
    assert len(page.all(".device")) == 2
    assert page.faults(*EXPECTED) == []


def test_a_part_that_does_not_come_says_why_and_comes_by_itself_or_when_asked(
    page: Page, browser: WebDriver, network: BadNetwork
) -> None:
    network.answers(503, BROKEN, under="/auth/devices", retry_after_s=2)
    browser.refresh()
    page.wait_for_text("#devices .refusal", "The service is busy. Please try again in 2 sec.")
    page.wait_for_text(".history", "You signed in with your password")
    network.recovers()
    page.find(".device")
    network.answers(502, BROKEN, under="/auth/devices")
    browser.refresh()
    page.wait_for_text("#devices .refusal", "what is before it said 502")
    network.recovers()

    page.click("#devices .refusal button")

    page.find(".device")
    assert page.faults(*EXPECTED) == []


def test_a_lost_csrf_token_is_fetched_anew_and_the_request_repeated(page: Page, browser: WebDriver) -> None:
    browser.execute_script(
        "for (const [key, text] of Object.entries(localStorage)) if (text.includes('csrf'))"
        ' localStorage.setItem(key, text.replace(/"csrf":"[^"]*"/, \'"csrf":"lost"\'))'
    )

    sign_out_tablet(page)

    page.wait_for_notice("tablet is signed out.")
    assert page.faults(*EXPECTED, "status of 403") == []


def test_a_session_that_ended_elsewhere_leads_to_the_sign_in_and_back(
    lambda_stack: LocalStack, page: Page, browser: WebDriver
) -> None:
    person = page.text("#person bdi")
    phone = login(lambda_stack, person, "phone")
    assert Client(lambda_stack.base_url).post("/auth/logout", {"scope": "others"}, bearer=phone).status == 204

    sign_out_tablet(page)

    page.wait_for_notice("Your session is over. Please sign in again.")
    assert not browser.find_element("id", "content").is_displayed()
    page.sign_in(person)
    page.wait_for_text("#devices", "phone")
    assert page.faults(*EXPECTED) == []
