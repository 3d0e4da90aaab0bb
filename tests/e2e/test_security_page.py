"""The operators' page, as somebody uses it who investigates: in headless Chromium, with attacks that were planted."""

import contextlib
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from auth_tokens.domain.analytics.findings import Rule
from auth_tokens.domain.events import EventType
from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from local.traffic.population import FAR_AWAY, PLACES, login, populate
from tests.conftest import LINKED
from tests.support.browser import Page, forget, wait_for
from tests.support.sign_in_age import sign_in_is_old

ALICE = USERS[0]
# 200 letters, markup, and a turn of the direction that nothing takes back.
HOSTILE = "<b>\u202e" + "x" * 190 + "\u05d0</b>@x"
ATTEMPTS = 40
# What the Portal has of a user, and what the service has but for events.
DELETED = (
    ("auth_user_tokens", "user_id"),
    ("user_config", "user_id"),
    ("auth_user_label", "user_id"),
    ("auth_users", "id"),
)


@dataclass(frozen=True, slots=True)
class Planted:
    """victim: whom an attacker got into, by the access token `stolen`, from `source`; hostile: a name; both with their
    ids."""

    victim: str
    victim_id: str
    stolen: str
    source: str
    hostile_id: str


@pytest.fixture(scope="session")
def planted(lambda_stack: LocalStack) -> Planted:
    """One source gets into an account by its first try, and tries many more; a user with a hostile name signs in on
    many devices."""
    population = populate(lambda_stack.base_url, 2, seed=5)
    victim, hostile = population.usernames
    attacker, elsewhere = population.client(FAR_AWAY), population.client(PLACES[0])
    entered = login(attacker, victim).json
    for number in range(ATTEMPTS):
        login(attacker, f"leaked{number}@example.com", "123456")
    tokens = [login(elsewhere, hostile, name=f"{number} {HOSTILE}"[:200]).json for number in range(6)]
    ids = [_user_id(lambda_stack, made["access_token"]) for made in (entered, tokens[0])]
    with contextlib.closing(lambda_stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE auth_users SET username = %s WHERE username = %s", (HOSTILE, hostile))
        cursor.execute(
            "SELECT HEX(source_hash) FROM auth_token_events WHERE user_id = %s AND type = %s",
            (ids[0], EventType.LOGIN_SUCCEEDED.value),
        )
        [[source]] = cursor.fetchall()
    lambda_stack.invoke("analytics", {})
    return Planted(victim, ids[0], entered["access_token"], source.lower(), ids[1])


def _user_id(stack: LocalStack, access_token: str) -> str:
    user_id: str = Client(stack.base_url).get("/auth/session", bearer=access_token).json["sub"]
    return user_id


ONLY_OF_RULE = """
const shown = [...document.querySelectorAll(".finding a.open")];
return shown.length && shown.every((one) => one.dataset.focus.startsWith(`${arguments[0]} `));
"""
SIGN_IN = """
const [body, done] = arguments;
const how = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
fetch("/auth/login", how).then(({ status }) => done(status));
"""


@pytest.fixture
def page(lambda_stack: LocalStack, browser: WebDriver, planted: Planted) -> Iterator[Page]:
    """The page of an operator who has just signed in; nothing fails in its console."""
    forget(browser, lambda_stack.base_url)
    by_password = {"username": ALICE.username, "password": PASSWORD, "mode": "cookie"}
    assert browser.execute_async_script(SIGN_IN, by_password) == 200
    shown = Page(browser, f"{lambda_stack.base_url}/pages/security")
    shown.find("#figures .tiles")
    shown.wait_until_gone("[aria-busy]")
    ActionChains(browser, duration=0).move_to_element(shown.find("h1")).perform()  # off the chart
    yield shown
    # Events of other tests may be of whom they have deleted.
    assert (
        shown.faults("/console/lookup - Failed to load resource: the server responded with a status of 404")
        == []
    )


def go(page: Page, fragment: str) -> None:
    page.browser.execute_script("location.hash = arguments[0]", fragment)


def fragment_of(page: Page) -> str:
    found: str = page.browser.execute_script("return location.hash")
    return found


def imported(page: Page, body: str, *given: object) -> Any:
    """What a script answers that uses modules of the page."""
    answer = f"arguments[{len(given)}]"
    script = f"(async () => {{ {body} }})().then({answer}, (fault) => {answer}(String(fault)));"
    return page.browser.execute_async_script(script, *given)


def wait_until(page: Page, script: str, *given: object) -> None:
    wait_for(page.browser, lambda browser: browser.execute_script(script, *given), script)


def test_a_finding_leads_to_its_evidence_and_what_came_from_its_source_ends_with_a_reason(
    lambda_stack: LocalStack, page: Page, planted: Planted
) -> None:
    of_source = f"a.open[data-focus='{Rule.STUFFING_FROM_ONE_SOURCE.value} {planted.source}']"
    row = f".finding[data-severity=high]:has({of_source})"

    assert page.text(f"{row} a.open") == "Stuffing from one source"
    assert f"{ATTEMPTS} accounts tried from one source" in page.text(row)
    assert "; 1 got in." in page.text(row)
    worst = page.find(".finding[data-severity=high]:first-child a.open")  # perhaps of another test
    assert page.browser.execute_script("return arguments[0].getBoundingClientRect().bottom <= 800", worst)
    page.photograph("security")
    page.click(f"{row} a.open")
    page.find("#view .happened")
    assert len(page.all("#view .happened")) == 5
    page.wait_for_text("#view", planted.victim)
    page.photograph("security-finding")
    page.click("#view button.end")
    page.wait_for_text("dialog .listed", planted.victim)
    page.type("dialog [name=text]", "stuffing, ticket 7", Keys.ENTER)
    page.wait_for_notice("1 session ended.")
    assert Client(lambda_stack.base_url).get("/auth/session", bearer=planted.stolen).status == 401
    page.click(f"#view a[href='#users/{planted.victim_id}']")
    page.wait_for_text("#view .happened", "an operator ended it: “stuffing, ticket 7” · by alice@example.com")


def test_a_finding_leads_to_its_rule_in_the_runbook_of_which_only_operators_are_told(
    lambda_stack: LocalStack, page: Page, planted: Planted
) -> None:
    section = f"{LINKED['RunbookUrl']}/findings.md#{Rule.STUFFING_FROM_ONE_SOURCE.value}"
    finding = f".finding:has([data-focus='{Rule.STUFFING_FROM_ONE_SOURCE.value} {planted.source}'])"

    assert page.follow_out(page.find(f"{finding} a[target]")) == section
    page.click(f"{finding} a.open")
    page.find("#view h2")
    assert page.follow_out(page.find("#view a[target]")) == section

    anyone = Client(lambda_stack.base_url).get("/pages/settings.json")
    assert anyone.status == 200 and b"wiki.example" not in anyone.body
    assert page.faults("ERR_NAME_NOT_RESOLVED") == []


def test_a_filter_is_an_address_that_goes_back_and_forward_and_becomes_a_file(
    page: Page, planted: Planted, tmp_path: Path
) -> None:
    allowed = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
    page.click("#views a[href='#events']")

    page.click("#view [name=type] option[value=login_succeeded]")
    page.type("#view [name=user]", planted.victim, Keys.ENTER)

    page.wait_for_text("#view .happened", f"{planted.victim} signed in with a password")
    filtered = fragment_of(page)
    assert filtered.startswith("#events?type=login_succeeded&user=user-")
    page.browser.back()
    wait_until(page, "return document.querySelector('#view [name=user]').value === ''")
    assert fragment_of(page) == "#events"
    page.browser.forward()
    page.wait_for_text("#view .happened", f"{planted.victim} signed in with a password")
    assert fragment_of(page) == filtered
    page.click("[data-focus=csv]")
    wait_for(page.browser, lambda _: list(tmp_path.glob("*.csv")))
    [file] = tmp_path.glob("*.csv")
    assert {row["type"] for row in csv.DictReader(file.open(encoding="utf-8"))} == {"login_succeeded"}
    page.click("#view button.open")
    page.photograph("security-event")
    page.click("#drawer a[href*='source=']")
    page.wait_for_text("#view .happened", "Somebody unknown could not sign in")
    assert page.all("#drawer") == []


def search(page: Page, text: str) -> None:
    page.type("#view [name=text]", Keys.CONTROL, "a", Keys.NULL, text, Keys.ENTER)


def test_a_text_becomes_the_filter_that_it_stands_for(
    lambda_stack: LocalStack, page: Page, planted: Planted
) -> None:
    made = login(Client(lambda_stack.base_url), "bob@example.com", name="searched").json
    go(page, "#events")
    for text, filtered in {
        planted.victim: f"user={planted.victim.replace('@', '%40')}",
        planted.victim_id: f"user={planted.victim_id}",
        made["session_id"]: f"session={made['session_id']}",
        made["device_id"]: "user=bob%40example.com",
        planted.source.upper(): f"source={planted.source}",
        "login_failed": "type=login_failed",
        "Failed sign-in": "type=login_failed",
        "login failed": "type=login_failed",
        "high": "severity=high",
    }.items():
        go(page, "#events")
        wait_until(
            page, "return document.querySelector('#view [data-focus=clear]') && location.hash === '#events'"
        )
        search(page, text)
        wait_until(page, "return location.hash === arguments[0]", f"#events?{filtered}")
        page.find("#view .happened")
        assert page.attribute("#view [name=text]", "value") == ""
        assert page.browser.switch_to.active_element.get_attribute("name") == "text"
        if text == made["device_id"]:
            page.wait_for_notice("these are all events of its user")
    go(page, f"#events?user={planted.victim_id}")
    page.find("#view .happened")
    search(page, "login_succeeded")
    wait_until(page, "return location.hash.endsWith(arguments[0])", "&type=login_succeeded")
    page.wait_for_text("#view .happened", f"{planted.victim} signed in with a password")
    assert page.faults("status of 404") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("login_fail", "Did you mean “login_failed”?"),
        ("user", "Events are looked for by a whole user name"),
        ("5f4d1a2b", "give all 32 digits"),
        ("01977e5b-2c00-7000-8000-000000000009", "the id of a user, session or device"),
    ],
)
def test_a_text_that_stands_for_nothing_shows_nothing_and_says_what_would_be_right(
    page: Page, text: str, told: str
) -> None:
    go(page, "#events")
    page.find("#view .happened")

    search(page, text)

    page.wait_for_text("#view [role=alert]", told)
    assert page.all("#view .happened") == []
    assert page.all("#view .exports") == []
    assert page.faults("status of 404") == []


def test_a_text_that_contradicts_the_filter_beside_it_shows_nothing(page: Page, planted: Planted) -> None:
    go(page, f"#events?text={planted.victim}&user=bob@example.com")

    page.wait_for_text("#view [role=alert]", "is another user than “bob@example.com”")
    assert page.all("#view .happened") == []


def test_a_mistyped_address_asks_for_nothing_and_says_what_would_be_right(page: Page) -> None:
    go(page, "#events?type=login_fail")

    page.wait_for_text("#view [role=alert]", "“login_fail” is no type. Did you mean “login_failed”?")
    assert page.all("#view .happened") == []
    assert page.text("#view a") == "Show all events"


ADDRESSES = {
    "": None,
    "#findings?state=closed&severity=high&span=7d": None,
    "#events?from=2026-12-01T04:00Z&to=2026-12-01T05:00:30-08:00": None,
    "#events?span=2026-11-01T00:00Z/2026-11-08T00:00Z": None,
    "#users/a%2Fb%3F%23": None,
    "#finding": "There is no view “finding”. Did you mean “findings”?",
    "#users": "Whose? The address of a user ends with their name or id.",
    "#events?typ=login_failed": "“typ” is no filter here. Did you mean “type”?",
    "#events?type=": "“” is no type. It may be login_succeeded, ",
    "#events?type=finding&type=finding": "“type” is in the address twice.",
    "#events?from=yesterday": "“yesterday” is no from. It is a time with its zone",
    "#events?from=2026-12-01T04:00": "“2026-12-01T04:00” is no from. It is a time with its zone",
    "#events?from=2026-12-01T05:00Z&to=2026-12-01T05:00Z": "“from” must be before “to”.",
    "#events?source=5f4d": "“5f4d” is no source. It is 32 hexadecimal digits",
    "#events?session=x": "“x” is no session. It is a session's id",
    "#events?state=open": "“state” is no filter here.",
    "#findings?span=1y": "“1y” is no span. Did you mean “1h”?",
    "#findings?span=2026-11-08T00:00Z/2026-11-01T00:00Z": "is no span. It is two times with their zones",
}


def test_each_part_of_an_address_is_checked_and_the_words_are_those_of_the_service(page: Page) -> None:
    found = imported(
        page,
        """
        const { addressOf, parseAddress } = await import("/pages/address.js");
        const { EVENT_TYPES, RULE_NAMES } = await import("/pages/words.js");
        const parsed = arguments[0].map(parseAddress);
        return {
          problems: parsed.map(({ problem }) => problem),
          again: parsed.filter(({ problem }) => !problem).map((each) => [each, parseAddress(addressOf(each))]),
          types: EVENT_TYPES,
          rules: RULE_NAMES,
        };
        """,
        list(ADDRESSES),
    )

    for problem, wanted in zip(found["problems"], ADDRESSES.values(), strict=True):
        assert problem == wanted if wanted is None else wanted in problem
    assert all(parsed == again for parsed, again in found["again"])
    assert found["types"] == [kind.value for kind in EventType]
    assert found["rules"] == [rule.value for rule in Rule]


def test_bars_are_the_viewers_days_west_of_greenwich_and_choosing_one_filters_the_rest(page: Page) -> None:
    for span, least in (("1h", 12), ("7d", 27)):
        go(page, f"#findings?span={span}")
        wait_until(
            page, "return Math.abs(document.querySelectorAll('.step').length - arguments[0]) < 2", least
        )
        assert page.all("#figures .refusal") == []
    zone = ZoneInfo("America/Los_Angeles")
    page.browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone.key})
    go(page, "#findings?span=30d")
    page.browser.refresh()
    page.find(".step .part")

    starts = [int(str(bar.get_attribute("data-focus")).split()[1]) for bar in page.all(".step")]
    today = datetime.now(zone)
    assert {datetime.fromtimestamp(start, zone).strftime("%H:%M") for start in starts} == {"00:00"}
    assert datetime.fromtimestamp(starts[-1], zone).date() == today.date()
    assert f"{today:%b} {today.day}" in page.all(".plot text")[-1].text
    page.all(".step")[-1].click()
    page.wait_for_text("#view", "Only what was found within this time")
    page.find(".finding")
    page.browser.switch_to.active_element.send_keys(Keys.ARROW_LEFT, Keys.ENTER)
    page.wait_for_text("#view", "No finding fits this filter.")
    assert page.attribute(".step[aria-pressed=true]", "data-focus") == f"bar {starts[-2]}"
    page.click(".legend .failures")
    assert page.all(".part.failures") == []
    page.click("#chart summary")
    rows = page.all("#chart tbody tr")
    assert len(rows) == len(starts)
    assert [cell.get_attribute("data-label") for cell in rows[0].find_elements("tag name", "td")] == [
        "Sign-ins",
        "Failures",
        "Reused keys",
        "New devices",
        "Ends",
    ]
    page.browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


def test_it_loads_while_it_is_looked_at_once_when_shown_again_and_later_after_refusals(page: Page) -> None:
    """In milliseconds until the next load; null: none is planned."""
    waits = imported(
        page,
        """
        const { Refreshing } = await import("/pages/refreshing.js");
        let now = 0, timer = null, answer = null, loads = 0;
        globalThis.setTimeout = (act, wait) => ((timer = { act, wait }), 1);
        globalThis.clearTimeout = () => (timer = null);
        const tab = Object.assign(new EventTarget(), { hidden: false });
        const turn = (hidden) => ((tab.hidden = hidden), tab.dispatchEvent(new Event("visibilitychange")));
        const live = new Refreshing(async () => ((loads += 1), answer), { everyMs: 1000, page: tab, now: () => now });
        const seen = {};
        const note = (name) => (seen[name] = [timer && timer.wait, loads]);
        await live.run();
        note("after a load");
        now = 400; turn(true);
        note("hidden");
        turn(false);
        note("shown before it is due");
        turn(true); now = 60_000; turn(false); turn(true); turn(false);
        note("shown long after");
        answer = { retryAfterMs: 0 };
        await live.run(); note("refused");
        await live.run(); note("refused again");
        answer = { retryAfterMs: 90_000 };
        await live.run(); note("asked to wait");
        live.pause(true); note("paused");
        answer = null; live.pause(false); await live.run(); note("well again");
        return seen;
        """,
    )

    assert waits == {
        "after a load": [1000, 1],
        "hidden": [None, 1],
        "shown before it is due": [600, 1],
        "shown long after": [0, 1],
        "refused": [2000, 2],
        "refused again": [4000, 3],
        "asked to wait": [90_000, 4],
        "paused": [None, 4],
        "well again": [1000, 5],
    }


def test_the_keyboard_alone_leads_from_the_inbox_to_an_acknowledged_finding(page: Page) -> None:
    go(page, f"#findings?rule={Rule.DEVICE_BURST.value}")  # others need that of the stuffing
    wait_until(page, ONLY_OF_RULE, Rule.DEVICE_BURST.value)
    page.type("body", "j", "a")
    page.type("dialog [name=text]", "mine, j a ?", Keys.ENTER)
    page.wait_for_notice("Acknowledged.")
    page.type("[data-focus='tab acknowledged']", Keys.ENTER)
    page.wait_for_text(".finding", "Acknowledged by alice@example.com")
    page.type("body", "j", Keys.ENTER)
    page.wait_for_text("#view li", "“mine, j a ?”")

    go(page, "#events")
    page.find("#view .happened")
    page.type("body", "/")
    assert page.browser.switch_to.active_element.get_attribute("name") == "text"
    page.type("[data-focus=clear]", "?")
    page.click("#help input")
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.type("[data-focus=clear]", "?")
    assert page.all("#help") == []
    page.click("#keys")
    page.click("#help input")


def test_hostile_names_move_nothing_and_every_end_asks_for_its_reason(
    lambda_stack: LocalStack, page: Page, planted: Planted
) -> None:
    page.type("#find-user input", HOSTILE.strip(), Keys.ENTER)
    page.wait_for_text("#view", "6 devices, 6 sessions")

    page.photograph("security-user")
    device = page.attribute("#view [data-device]", "data-device")
    page.click("#view [data-session] button")
    page.click("dialog button[value=yes]")
    assert page.attribute("dialog [name=text]", "validationMessage")
    page.type("dialog [name=text]", "not theirs", Keys.ENTER)
    page.wait_for_text("#view", "5 devices, 5 sessions")
    assert page.all(f"[data-device='{device}']") == []
    page.click("[data-focus=end-everything]")
    page.wait_for_text("dialog", "End 5 sessions and 5 devices")
    assert page.text("dialog p bdi").endswith("…")
    page.type("dialog [name=text]", "taken over", Keys.ENTER)
    page.wait_for_text("#view", "0 devices, 0 sessions")
    page.wait_for_text("#view .happened", "had everything end: an operator ended it: “taken over”")


def test_who_was_deleted_is_found_by_the_id_that_events_have(lambda_stack: LocalStack, page: Page) -> None:
    [name] = populate(lambda_stack.base_url, 1, seed=6).usernames
    deleted = _user_id(lambda_stack, login(Client(lambda_stack.base_url), name).json["access_token"])
    with contextlib.closing(lambda_stack.connect()) as connection, connection.cursor() as cursor:
        for table, column in DELETED:
            cursor.execute(f"DELETE FROM {table} WHERE {column} = %s", (deleted,))

    go(page, f"#events?text={deleted}")
    page.wait_for_text("#view .happened", "signed in with a password")
    page.click("#view a.user-link")
    page.wait_for_text("#view", "Nobody has this id any more")
    page.wait_for_text("#view .happened", "signed in with a password")

    go(page, "#users/nobody")
    page.wait_for_text("#view .empty", "Nobody is called “nobody”")
    wait_until(page, "return !document.querySelector('#view section').checkVisibility()")
    assert page.faults("status of 404") == []


def test_the_event_of_a_finding_leads_to_it_and_says_its_times_in_words(page: Page, planted: Planted) -> None:
    go(page, f"#events?type=finding&source={planted.source}")
    page.click("#view button.open")

    page.wait_for_text("#drawer dd time", f"{datetime.now():%Y}")
    page.click("#drawer a[href^='#findings/']")

    page.wait_for_text("#view h2", "Stuffing from one source")


def test_nothing_found_and_no_network_are_said_in_place_and_what_was_there_stays(page: Page) -> None:
    go(page, "#findings?state=closed")
    page.wait_for_text("#view .empty", "Nothing was closed.")
    go(page, "#findings")
    page.find(".finding")

    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.browser.execute_cdp_cmd("Network.enable", {})
    page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    page.click("#reload")

    page.wait_for_text("#view .refusal", "You are offline.")
    page.wait_for_text("#figures .refusal", "What you see was updated")
    page.find(".finding")
    unlimited = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", unlimited)
    page.wait_until_gone("#view .refusal")
    assert page.faults("ERR_INTERNET_DISCONNECTED") == []


def test_views_that_were_left_load_nothing_when_the_network_is_back(page: Page) -> None:
    """Each was refused, so each would have tried again."""
    go(page, "#findings")
    page.find(".finding")
    page.click("#pause")
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.browser.execute_cdp_cmd("Network.enable", {})
    page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    for view in ("#events", "#users/bob@example.com", "#events?type=finding", "#findings?span=7d"):
        go(page, view)
        page.wait_for_text("#view .refusal", "You are offline.")
    page.wait_for_text("#figures .refusal", "You are offline.")

    page.browser.execute_script(
        "const real = fetch; window.asked = [];"
        "window.fetch = (request, ...rest) => (asked.push(String(request.url ?? request)), real(request, ...rest));"
    )
    unlimited = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", unlimited)

    page.wait_until_gone("#view .refusal")
    page.wait_until_gone("#figures .refusal")
    asked = [url.split("/console/")[1].split("?")[0] for url in page.browser.execute_script("return asked")]
    assert sorted(asked) == ["inbox", "inbox", "summary"]  # of the view, and of the figures
    assert page.faults("ERR_INTERNET_DISCONNECTED") == []


def test_a_sign_in_too_old_is_confirmed_in_place_and_the_end_is_repeated(
    lambda_stack: LocalStack, page: Page, planted: Planted
) -> None:
    bob = login(Client(lambda_stack.base_url), "bob@example.com").json
    end = f"#view [data-session='{bob['session_id']}'] button"  # he may have sessions of other tests
    go(page, "#users/bob@example.com")
    page.find(end)
    sign_in_is_old(lambda_stack, ALICE.username, minutes=20)  # enough to look, not to end

    page.click(end)
    page.type("dialog [name=text]", "a check", Keys.ENTER)
    page.type("#step-up [name=password]", "wrong", Keys.ENTER)
    page.wait_for_text("#step-up", "password is wrong")
    page.type("#step-up [name=password]", PASSWORD, Keys.ENTER)

    page.wait_for_notice("session ended.")
    assert page.all("#step-up") == []
    assert Client(lambda_stack.base_url).get("/auth/session", bearer=bob["access_token"]).status == 401


def test_who_does_not_give_the_password_sees_nothing_and_may_try_again(
    lambda_stack: LocalStack, page: Page
) -> None:
    sign_in_is_old(lambda_stack, ALICE.username, minutes=1440)
    page.browser.refresh()

    page.type("#step-up [name=password]", Keys.ESCAPE)

    page.wait_for_text("#view .refusal", "recent sign-in with your password")
    assert page.all(".tiles li") + page.all(".finding") == []
    page.click("#view .refusal button")
    page.type("#step-up [name=password]", PASSWORD, Keys.ENTER)
    page.find(".finding")


def reload_held(page: Page) -> None:
    """Everything is loaded anew, and the list is under way. The names of users come by themselves: where one is just
    asked for, the question stands before the button."""
    page.hold("/console/inbox?state")
    page.browser.execute_script("document.getElementById('reload').click()")
    page.wait_until_held()


def test_one_escape_settles_what_was_under_way_and_what_begins_by_itself(
    lambda_stack: LocalStack, page: Page
) -> None:
    sign_in_is_old(lambda_stack, ALICE.username, minutes=1440)
    reload_held(page)
    page.type("#step-up [name=password]", Keys.ESCAPE)
    page.wait_for_text("#figures .refusal", "recent sign-in with your password")

    page.release()
    page.wait_for_text("#view .refusal", "recent sign-in with your password")
    page.browser.execute_script("dispatchEvent(new Event('online'))")
    page.wait_until_gone("[aria-busy]")
    assert page.all("#step-up") == []

    page.click("#figures .refusal button")
    page.type("#step-up [name=password]", PASSWORD, Keys.ENTER)
    page.wait_until_gone("#figures .refusal")


def test_a_refusal_that_lost_its_challenge_on_the_way_is_told_and_asks_for_nothing(page: Page) -> None:
    page.browser.execute_script(
        "const body = JSON.stringify({ error: 'insufficient_user_authentication', error_description: '' });"
        "window.fetch = async () => new Response(body, { status: 401 });"
    )

    page.click("#reload")

    page.wait_for_text("#view .refusal", "recent sign-in with your password")
    assert page.all("#step-up") == []


def test_what_is_refused_after_the_password_was_given_asks_for_it_no_more(
    lambda_stack: LocalStack, page: Page
) -> None:
    sign_in_is_old(lambda_stack, ALICE.username, minutes=1440)
    reload_held(page)
    page.type("#step-up [name=password]", PASSWORD, Keys.ENTER)
    page.wait_until_gone("#figures[aria-busy]")

    page.release()
    page.wait_until_gone("[aria-busy]")

    assert page.all("#step-up") + page.all(".refusal") == []
