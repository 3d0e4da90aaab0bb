"""What the tests of pages rest on."""

from selenium.webdriver.remote.webdriver import WebDriver

from tests.support.browser import Page

RESTLESS = """data:text/html,<main></main><script>
setInterval(() => { document.querySelector("main").innerHTML = "<button>Open</button>"; }, 150);
</script>"""


def test_what_a_page_replaces_meanwhile_is_found_anew(browser: WebDriver) -> None:
    page = Page(browser, RESTLESS)

    for _ in range(10):
        assert page.text("button") == "Open"
        assert page.attribute("button", "type") == "submit"
