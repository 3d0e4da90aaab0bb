"""How a page looks: on a wide and a narrow screen, light and dark, and what axe-core has to say of each."""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium.webdriver.chrome.webdriver import WebDriver as Chrome

from local.host.paths import ROOT

IMAGES = ROOT / "docs" / "images"
AXE = ROOT / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js"
FAULTS = (Path(__file__).parent / "looks.js").read_text("utf-8")
# WCAG 2.2, levels A and AA.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RUN_AXE = """
const [rules, done] = arguments;
const told = ({ id, help, nodes }) => `axe: ${id}, ${help}: ${nodes.map((node) => node.html).join(" ")}`;
axe.run(document, { runOnly: rules, resultTypes: ["violations"] }).then(({ violations }) => done(violations.map(told)));
"""
# Two frames: one for the new sizes, one for what was observed of them.
SETTLED = "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() => done()));"
QUALITY = 45  # of a picture in docs, where 100 is the best


@dataclass(frozen=True, slots=True)
class Look:
    """width: in pixels; height: of a picture at most; scheme: `light` or `dark`; is_kept: docs have a picture of it."""

    width: int
    height: int
    scheme: str
    is_kept: bool

    def emulate(self, browser: Chrome) -> None:
        """From now on the page has this width and this scheme."""
        metrics = {"width": self.width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": self.scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.execute_async_script(SETTLED)

    def keep(self, browser: Chrome, name: str) -> None:
        """Writes the picture that docs/ show."""
        tall = browser.execute_script("return document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": self.width, "height": min(tall, self.height), "scale": 1}
        asked = {"format": "webp", "quality": QUALITY, "clip": clip, "captureBeyondViewport": True}
        taken: dict[str, Any] = browser.execute_cdp_cmd("Page.captureScreenshot", asked)
        path = IMAGES / "pages" / f"{name}-{self.width}-{self.scheme}.webp"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(base64.b64decode(taken["data"]))


LOOKS = (
    Look(1280, 900, "light", is_kept=True),
    Look(1280, 900, "dark", is_kept=False),
    Look(390, 1200, "light", is_kept=False),
    Look(390, 1200, "dark", is_kept=True),
)


def faults_in_each_look(browser: Chrome, name: str) -> Iterator[str]:
    """What is wrong: the page scrolls sideways, an action is off the screen, a border cannot be seen, or what axe-core
    finds in the looks that docs/ have pictures of: each width and each scheme once. With RECORD=1 it sees all four, and
    docs/ get their pictures. name: of the state that the page is in."""
    is_recorded = bool(os.environ.get("RECORD"))
    for look in LOOKS:
        look.emulate(browser)
        if look.is_kept and is_recorded:
            look.keep(browser, name)
        found = list(browser.execute_script(FAULTS))
        if look.is_kept or is_recorded:
            found += _axe_violations(browser)
        yield from (f"{name}, {look.width} pixels, {look.scheme}: {fault}" for fault in found)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def _axe_violations(browser: Chrome) -> list[str]:
    if not browser.execute_script("return 'axe' in window"):
        browser.execute_script(AXE.read_text("utf-8"))
    found: list[str] = browser.execute_async_script(RUN_AXE, RULES)
    return found
