"""The pages for people use clients/javascript, and have no request code of their own."""

import re
from pathlib import Path

import pytest

from auth_tokens.web.pages import pages_in

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "functions" / "console" / "pages"
PACKAGE = ROOT / "clients" / "javascript"


@pytest.mark.parametrize("name", ["client.js", "step-up.js"])
def test_the_pages_have_the_shipped_file(name: str) -> None:
    served = pages_in(PAGES)[name]

    assert served.text is not None
    assert served.text.encode() == (PACKAGE / name).read_bytes()
    assert served.headers["Content-Type"] == "text/javascript; charset=utf-8"


def test_no_script_of_the_pages_sends_requests_itself() -> None:
    own = [path for path in PAGES.glob("*.js") if path.resolve().parent != PACKAGE]

    assert own
    for path in own:
        assert not re.search(r"\bfetch\(|XMLHttpRequest|sendBeacon|csrf", path.read_text("utf-8"), re.I), path
