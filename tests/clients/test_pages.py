"""The pages for people use clients/javascript, and have no request code of their own."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from auth_tokens.web.pages import pages_in

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "functions" / "console" / "pages"
PACKAGE = ROOT / "clients" / "javascript"
NODE = ROOT / ".venv-node" / "bin" / "node"
# User-Agent header → what the account page says of it, and the picture beside it.
AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36": (
        "Chrome on Linux",
        "computer",
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0": (
        "Edge on Windows",
        "computer",
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0": (
        "Firefox on Windows",
        "computer",
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15": (
        "Safari on macOS",
        "computer",
    ),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140.0 Mobile/15E148 Safari/604.1": (
        "Chrome on iPhone",
        "phone",
    ),
    "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1": (
        "Safari on iPad",
        "tablet",
    ),
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36": (
        "Chrome on Android",
        "phone",
    ),
    "Mozilla/5.0 (Linux; Android 15; SM-X200) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130.0 Safari/537.36": (
        "Samsung Internet on Android",
        "tablet",
    ),
    "curl/8.5.0": ("curl", "program"),
    "ExampleApp/1.0 (build 7)": ("ExampleApp", "program"),
    "<script>alert(1)</script>": ("<script>alert", "program"),
    "": ("", "program"),
}


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
        assert not re.search(
            r"\bfetch\(|XMLHttpRequest|sendBeacon|csrf_token|\bheaders\b", path.read_text("utf-8"), re.I
        ), path


def test_a_user_agent_is_told_in_words_and_an_unknown_one_by_its_own_name() -> None:
    script = (
        f"import {{ kindOf, program }} from {json.dumps((PAGES / 'agents.js').as_uri())};"
        f"console.log(JSON.stringify({json.dumps(list(AGENTS))}.map((agent) => [program(agent), kindOf(agent)])));"
    )

    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )

    assert dict(zip(AGENTS, map(tuple, json.loads(done.stdout)), strict=True)) == AGENTS
