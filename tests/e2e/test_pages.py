"""The two pages, as a person uses them: in headless Chromium, against the service on the Lambda runtime client."""

import contextlib
import random
from collections.abc import Iterator

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from local.traffic.attacks import stuffing, thief
from local.traffic.population import Population, populate
from tests.support.browser import WAIT_S, Page

ALICE = USERS[0]


@pytest.fixture
def person(lambda_stack: LocalStack, browser: WebDriver) -> Iterator[str]:
    """A user of the test's own, in a browser without a past."""
    browser.get(f"{lambda_stack.base_url}/pages/account")
    browser.delete_all_cookies()
    [username] = populate(lambda_stack.base_url, 1, seed=1).usernames
    yield username


def login(stack: LocalStack, username: str, device: str) -> str:
    body = {"username": username, "password": PASSWORD, "device": {"name": device}}
    reply = Client(stack.base_url).post("/auth/login", body)
    assert reply.status == 200
    token: str = reply.json["access_token"]
    return token


def test_a_person_sees_and_ends_their_sessions(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    phone = login(lambda_stack, person, "my <b>phone</b>")
    page = Page(browser, f"{lambda_stack.base_url}/pages/account")

    page.sign_in(person)

    assert "this browser" in page.find("#sessions tbody").text
    assert len(page.all("#sessions tbody tr")) == 2
    assert "my <b>phone</b>" in page.find("#sessions tbody").text
    page.photograph("account")
    page.find("#sessions button[aria-label='End the session on my <b>phone</b>']").click()
    page.wait_for_notice("has ended")
    assert len(page.all("#sessions tbody tr")) == 1
    assert Client(lambda_stack.base_url).get("/auth/session", bearer=phone).status == 401
    assert page.faults() == []


def test_a_page_that_is_opened_anew_goes_on_and_signs_out(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    phone = login(lambda_stack, person, "phone")
    Page(browser, f"{lambda_stack.base_url}/pages/account").sign_in(person)
    WebDriverWait(browser, WAIT_S).until(lambda b: b.find_element(By.ID, "content").is_displayed())

    page = Page(browser, f"{lambda_stack.base_url}/pages/account")
    page.find("#sessions button[aria-label='End the session on phone']").click()
    page.wait_for_notice("has ended")
    assert Client(lambda_stack.base_url).get("/auth/session", bearer=phone).status == 401
    page = Page(browser, f"{lambda_stack.base_url}/pages/account")
    page.find("#sign-out").click()
    page.wait_for_notice("You are signed out.")

    assert browser.get_cookie("__Host-session") is None
    assert page.faults() == []


def test_a_person_is_told_of_a_session_that_ended_because_an_old_token_came_back(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    population = Population(lambda_stack.base_url, [person], random.Random(1))
    for _ in thief(population):
        pass
    page = Page(browser, f"{lambda_stack.base_url}/pages/account")

    page.sign_in(person)

    assert "phone" in page.find("#reused tbody").text
    assert page.faults() == []


def test_a_person_renames_and_forgets_a_device_with_the_keyboard_alone(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    login(lambda_stack, person, "tablet")
    page = Page(browser, f"{lambda_stack.base_url}/pages/account")
    page.sign_in(person)

    field = page.find("#devices input[aria-label='Name of tablet']")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("old tablet", Keys.ENTER)
    page.wait_for_notice("now called old tablet")
    page.find("#devices button[aria-label='Forget old tablet']").send_keys(Keys.ENTER)
    page.wait_for_notice("old tablet is forgotten")

    assert len(page.all("#devices tbody tr")) == 1
    assert page.faults() == []


def test_signing_out_ends_the_session_and_a_reload_asks_again(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    page = Page(browser, f"{lambda_stack.base_url}/pages/account")
    page.sign_in(person)
    page.find("#content")
    browser.refresh()
    page.find("#content")

    page.find("#sign-out").click()
    page.wait_for_notice("signed out")
    browser.refresh()

    page.find("#sign-in")
    assert not browser.get_cookie("__Host-session")


def test_a_wrong_password_is_told_and_shows_nothing(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    page = Page(browser, f"{lambda_stack.base_url}/pages/account")

    page.sign_in(person, "wrong")

    page.wait_for_notice("User name or password is wrong.")
    assert not browser.find_element(By.ID, "content").is_displayed()


def test_an_operator_looks_at_figures_and_ends_a_user_s_session(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    population = populate(lambda_stack.base_url, 3, seed=5)
    for attack in (stuffing, thief):
        for _ in attack(population):
            pass
    lambda_stack.invoke("analytics", {})
    victim = login(lambda_stack, person, "phone")
    user_id = Client(lambda_stack.base_url).get("/auth/session", bearer=victim).json["sub"]
    page = Page(browser, f"{lambda_stack.base_url}/pages/security")

    page.sign_in(ALICE.username)

    page.find("#tiles li")
    failures = next(tile for tile in page.all("#tiles li") if "failed logins" in tile.text)
    assert int(failures.text.split()[0].replace(",", "")) >= 60
    assert len(page.all("#charts svg[role=img]")) == 6
    assert "stuffing from one source" in page.find("#findings tbody").text
    page.photograph("security")
    page.find("#find-user [name=user_id]").send_keys(user_id, Keys.ENTER)
    page.find("#user-sessions button.end").click()
    page.wait_for_notice("The session has ended.")
    assert Client(lambda_stack.base_url).get("/auth/session", bearer=victim).status == 401
    assert page.faults() == []


def test_an_operator_whose_sign_in_is_too_old_gives_the_password_in_place_and_the_call_is_repeated(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    victim = login(lambda_stack, person, "phone")
    user_id = Client(lambda_stack.base_url).get("/auth/session", bearer=victim).json["sub"]
    page = Page(browser, f"{lambda_stack.base_url}/pages/security")
    page.sign_in(ALICE.username)
    page.find("#find-user [name=user_id]").send_keys(user_id, Keys.ENTER)
    page.find("#user-sessions button.end")
    sign_in_is_old(lambda_stack, minutes=20)  # enough to look, not to end
    page.find("#reload").click()

    page.find("#user-sessions button.end").click()
    page.find("#step-up [name=password]").send_keys("wrong", Keys.ENTER)
    WebDriverWait(browser, WAIT_S).until(lambda b: "password is wrong" in page.find("#step-up").text)
    page.find("#step-up [name=password]").send_keys(PASSWORD, Keys.ENTER)

    page.wait_for_notice("The session has ended.")
    assert page.all("#step-up") == []
    assert Client(lambda_stack.base_url).get("/auth/session", bearer=victim).status == 401
    assert page.faults() == []


def test_an_operator_who_does_not_give_the_password_sees_nothing_and_may_try_again(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    page = Page(browser, f"{lambda_stack.base_url}/pages/security")
    page.sign_in(ALICE.username)
    page.find("#tiles li")
    sign_in_is_old(lambda_stack, minutes=1440)
    browser.refresh()

    page.find("#step-up [name=password]").send_keys(Keys.ESCAPE)

    page.wait_for_notice("recent sign-in with your password")
    assert page.all("#tiles li") == []
    page.find("#failures button").click()
    page.find("#step-up [name=password]").send_keys(PASSWORD, Keys.ENTER)
    page.find("#tiles li")
    assert page.faults() == []


def sign_in_is_old(stack: LocalStack, minutes: int) -> None:
    """As if the operator had authenticated that long ago."""
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE auth_user_tokens SET auth_time = auth_time - INTERVAL %s MINUTE WHERE user_id = %s",
            (minutes, ALICE.id),
        )


def test_the_security_page_shows_nothing_to_who_is_no_operator(
    lambda_stack: LocalStack, browser: WebDriver, person: str
) -> None:
    page = Page(browser, f"{lambda_stack.base_url}/pages/security")

    page.sign_in(person)

    page.wait_for_text("#refused", "the label «admin»")
    assert not browser.find_element(By.ID, "content").is_displayed()
    page.photograph("not-an-operator")
    page.find("#refused a").click()
    page.wait_for_text("[aria-current]", "Account")


@pytest.mark.parametrize("name", ["account", "security"])
def test_every_control_has_a_name_and_nothing_is_written_into_the_page_itself(
    lambda_stack: LocalStack, browser: WebDriver, person: str, name: str
) -> None:
    page = Page(browser, f"{lambda_stack.base_url}/pages/{name}")
    page.sign_in(ALICE.username)
    page.find("#content")

    controls = [one for one in page.all("button, input, select") if one.is_displayed()]
    assert controls
    assert [one.get_attribute("outerHTML") for one in controls if not one.accessible_name] == []
    source = Client(lambda_stack.base_url).get(f"/pages/{name}").body.decode()
    assert "style=" not in source and "onclick" not in source and "<script>" not in source
