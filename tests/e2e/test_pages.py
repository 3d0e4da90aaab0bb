"""The two pages, as a person uses them: in headless Chromium, against the service on the Lambda runtime client."""

import random
from collections.abc import Iterator

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from local.traffic.attacks import thief
from local.traffic.population import Population, populate
from tests.conftest import LINKED
from tests.support.browser import Page, forget
from tests.support.sign_in_age import sign_in_is_old

ALICE = USERS[0]
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.0 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
# Names of devices, and what their programs say of themselves.
HOSTILE = {
    "W" * 200: f"{'x' * 400}/1.0",
    "invoice\u202egnp.exe \u2067": "\u00abM\u00bb/1.0",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 25: "<script>alert(1)</script>",
}


@pytest.fixture
def person(lambda_stack: LocalStack, browser: WebDriver) -> Iterator[str]:
    """A user of the test's own, in a browser without a past."""
    forget(browser, lambda_stack.base_url)
    [username] = populate(lambda_stack.base_url, 1, seed=1).usernames
    yield username


def login(stack: LocalStack, username: str, device: str, agent: str = "") -> str:
    body = {"username": username, "password": PASSWORD, "device": {"name": device}}
    reply = Client(stack.base_url).post(
        "/auth/login", body, headers={"User-Agent": agent or "ExampleApp/1.0"}
    )
    assert reply.status == 200
    token: str = reply.json["access_token"]
    return token


def signed_in(stack: LocalStack, browser: WebDriver, username: str) -> Page:
    """The account page of somebody who has just signed in on it."""
    page = Page(browser, f"{stack.base_url}/pages/account")
    page.sign_in(username)
    page.find(".device")
    page.wait_until_gone("[aria-busy]")
    return page


def agree(page: Page, act: str) -> None:
    """The person reads the question, and presses the button of this name."""
    page.find("dialog")
    [button] = [one for one in page.all("dialog button") if one.text == act]
    button.click()


def focused(page: Page) -> str:
    """What has the focus, by its name."""
    return page.browser.switch_to.active_element.accessible_name


def is_live(stack: LocalStack, token: str) -> bool:
    return Client(stack.base_url).get("/auth/session", bearer=token).status == 200


def test_a_person_sees_each_device_with_its_sessions_and_signs_one_out(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    laptop = login(lambda_stack, person, "Work laptop", FIREFOX)
    phone = login(lambda_stack, person, "my <b>phone</b>", SAFARI)
    page = signed_in(lambda_stack, browser, person)

    cards = page.all(".device")
    assert [card.text.count("this browser") for card in cards] == [1, 0, 0]
    page.click(".device summary")
    assert cards[0].text.count("this browser") == 2
    assert "Chrome on Linux" in cards[0].text
    [card] = [card for card in cards if "my <b>phone</b>" in card.text]
    assert "Safari on iPhone" in card.text and "asks for the password each time" in card.text
    page.photograph("account")

    page.click("button[aria-label='Sign out this device: my <b>phone</b>']")
    assert "1 session on it will end" in page.text("dialog")
    assert "at other services within 5 sec" in page.text("dialog")
    page.photograph("question")
    page.type("dialog", Keys.ESCAPE)
    assert focused(page) == "Sign out this device: my <b>phone</b>"
    assert is_live(lambda_stack, phone)
    page.click("button[aria-label='Sign out this device: my <b>phone</b>']")
    agree(page, "Sign out this device")
    page.wait_for_notice("my <b>phone</b> is signed out.")

    assert not is_live(lambda_stack, phone)
    assert is_live(lambda_stack, laptop)
    assert focused(page).startswith(("Rename", "Sign out this device"))
    page.wait_for_text(".history", "A device was signed out")
    page.wait_for_text(".history", "You signed in with your password")
    assert page.faults() == []


def test_no_name_that_a_device_gave_itself_moves_or_turns_what_is_around_it(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    for name, agent in HOSTILE.items():
        login(lambda_stack, person, name, agent)
    page = signed_in(lambda_stack, browser, person)
    page.wait_for_text(".history", "A new device signed in")
    page.all(".device summary")[1].click()
    page.photograph("hostile-names")

    name = page.find(".device button.more").find_element(By.XPATH, "..")
    assert name.find_element(By.TAG_NAME, "bdi").size["height"] < 60
    page.click(".device button.more")
    assert name.find_element(By.TAG_NAME, "bdi").size["height"] > 60
    assert page.text(".device button.more") == "Show less"
    for title in page.all("button[aria-label^='Sign out this device']"):
        browser.execute_script("arguments[0].click()", title)
        page.find("dialog")
        page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
        page.wait_until_gone("dialog")
    assert page.faults() == []


def test_a_used_up_token_is_an_alarm_that_says_what_to_do(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    population = Population(lambda_stack.base_url, [person], random.Random(1))
    for _ in thief(population):
        pass
    tablet = login(lambda_stack, person, "tablet")
    page = signed_in(lambda_stack, browser, person)

    page.wait_for_text(".alarm", "from Australia")
    assert "phone" in page.text(".alarm") and "change your password" in page.text(".alarm")
    page.photograph("alarm")
    assert page.follow_out(page.find(".alarm a")) == LINKED["CredentialsUrl"]
    page.click(".alarm button")
    page.wait_for_text("dialog", "1 session on 2 other devices will end:")
    agree(page, "End 1 session")

    page.wait_for_notice("Everything else is signed out.")
    assert not is_live(lambda_stack, tablet)
    assert len(page.all(".device")) == 1
    assert page.faults() == []


def test_an_alarm_says_in_words_where_a_password_is_changed_if_no_page_is_named(
    stack: LocalStack, browser: WebDriver
) -> None:
    forget(browser, stack.base_url)
    [person] = populate(stack.base_url, 1, seed=4).usernames
    for _ in thief(Population(stack.base_url, [person], random.Random(1))):
        pass

    page = signed_in(stack, browser, person)

    page.wait_for_text(".alarm", "Change the password where you usually do.")
    assert page.all(".alarm a") == []
    assert page.faults() == []


def test_the_whole_page_is_used_by_keyboard_and_the_focus_is_seen(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    login(lambda_stack, person, "tablet")
    page = signed_in(lambda_stack, browser, person)
    actions = {one.accessible_name for one in page.all("a, button, summary") if one.is_displayed()}

    reached: set[str] = set()
    for _ in range(2 * len(actions)):
        if actions <= reached:
            break
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(focused(page))
        outline = browser.switch_to.active_element.value_of_css_property("outline-style")
        assert outline == "solid" or focused(page) not in actions
    assert actions <= reached

    page.type("button[aria-label='Rename tablet']", Keys.ENTER)
    page.type("dialog input", Keys.CONTROL, "a")
    browser.switch_to.active_element.send_keys("old tablet", Keys.ENTER)
    page.wait_for_notice("now called old tablet")
    assert focused(page) == "Rename old tablet"
    browser.switch_to.active_element.send_keys(Keys.TAB, Keys.TAB)
    page.type("button[aria-label='Sign out this device: old tablet']", Keys.ENTER)
    page.type("dialog button.danger", Keys.ENTER)
    page.wait_for_notice("old tablet is signed out")
    assert len(page.all(".device")) == 1
    assert page.faults() == []


def test_a_browser_is_one_device_for_each_person_who_signs_in_on_it(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    [other] = populate(lambda_stack.base_url, 1, seed=2).usernames

    def visit(username: str) -> str | None:
        """The device that the visit is on; how many there are is asserted."""
        page = signed_in(lambda_stack, browser, username)
        [card] = page.all(".device")
        device = card.get_attribute("data-device")
        page.click("#sign-out")
        page.find("#sign-in")
        return device

    mine = visit(person)
    assert visit(other) != mine
    assert visit(person) == mine
    browser.execute_script("localStorage.setItem('auth-user-tokens devices', '{\"x\": 1}')")
    page = signed_in(lambda_stack, browser, person)
    assert len(page.all(".device")) == 2
    page.click("button[aria-label^='Forget this device']")
    agree(page, "Forget this device")
    page.wait_for_notice("is forgotten")
    page.click("#sign-out")
    assert visit(person) not in (mine, None)


def test_a_page_that_is_opened_anew_goes_on_and_keeps_nothing_for_the_next_person(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    phone = login(lambda_stack, person, "phone")
    signed_in(lambda_stack, browser, person)

    page = Page(browser, f"{lambda_stack.base_url}/pages/account")
    page.click("#end-others")
    agree(page, "End 1 session")
    page.wait_for_notice("Everything else is signed out.")
    assert not is_live(lambda_stack, phone)
    assert person in page.text("#person")
    page.click("#sign-out")
    page.wait_for_notice("You are signed out.")

    assert browser.get_cookie("__Host-session") is None
    page = signed_in(lambda_stack, browser, person)
    page.click("#sign-out")
    page.sign_in(ALICE.username)
    page.wait_for_text("#person", ALICE.username)
    assert browser.execute_script("return performance.getEntriesByType('navigation')[0].type") == "reload"
    page.find(".device")
    assert page.faults() == []


def test_that_somebody_was_signed_out_is_said_until_they_are_in_again(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    page = signed_in(lambda_stack, browser, person)
    page.click("#sign-out")
    page.wait_for_notice("You are signed out.")

    page.sign_in(person)

    page.find(".device")
    assert page.all(".toast") == []
    assert page.faults() == []


def test_a_wrong_password_is_told_and_shows_nothing(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    page = Page(browser, f"{lambda_stack.base_url}/pages/account")

    page.sign_in(person, "wrong")

    page.wait_for_notice("User name or password is wrong.")
    assert not browser.find_element(By.ID, "content").is_displayed()


def test_the_security_page_shows_nothing_to_who_is_no_operator(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    page = Page(browser, f"{lambda_stack.base_url}/pages/security")

    page.sign_in(person)

    page.wait_for_text("#refused", "the label «admin»")
    assert not browser.find_element(By.ID, "content").is_displayed()
    page.photograph("not-an-operator")
    page.click("#refused a")
    page.wait_for_text("[aria-current]", "Account")


def test_one_escape_at_the_password_settles_an_act_that_is_refused_later(
    stack: LocalStack, browser: WebDriver
) -> None:
    [person] = populate(stack.base_url, 1, seed=7).usernames
    tokens = {name: login(stack, person, name) for name in ("tablet", "phone")}
    page = signed_in(stack, browser, person)
    sign_in_is_old(stack, person, minutes=2 * 365 * 24 * 60)
    out = "button[aria-label='Sign out this device: {}']".format
    tablet = page.attribute(f".device:has({out('tablet')})", "data-device")
    page.hold(f"/auth/devices/{tablet}")
    page.click(out("tablet"))
    agree(page, "Sign out this device")
    page.wait_until_held()
    page.click(out("phone"))
    agree(page, "Sign out this device")
    page.type("#step-up [name=password]", Keys.ESCAPE)
    page.wait_for_notice("recent sign-in with your password")
    page.click("[aria-label='Close this message']")

    page.release()

    page.wait_for_notice("recent sign-in with your password")
    assert page.all("#step-up") == []
    assert all(is_live(stack, token) for token in tokens.values())
    page.click(out("phone"))
    agree(page, "Sign out this device")
    page.type("#step-up [name=password]", PASSWORD, Keys.ENTER)
    page.wait_for_notice("phone is signed out.")
    assert [is_live(stack, token) for token in tokens.values()] == [True, False]


@pytest.mark.parametrize("name", ["account", "security"])
def test_every_control_has_a_name_and_nothing_is_written_into_the_page_itself(
    lambda_stack: LocalStack, browser: WebDriver, person: str, name: str
) -> None:
    page = Page(browser, f"{lambda_stack.base_url}/pages/{name}")
    page.sign_in(ALICE.username)
    page.find("#content")
    page.wait_until_gone("[aria-busy]")

    controls = [one for one in page.all("button, input, select") if one.is_displayed()]
    assert controls
    assert [one.get_attribute("outerHTML") for one in controls if not one.accessible_name] == []
    source = Client(lambda_stack.base_url).get(f"/pages/{name}").body.decode()
    assert "style=" not in source and "onclick" not in source and "<script>" not in source
