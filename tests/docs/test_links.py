"""No link of a page leads nowhere."""

from pathlib import Path

import pytest

from tests.docs.markdown import DOCS, PAGES, README, ROOT, anchors, links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for target in links(page):
        name, _, anchor = target.partition("#")
        goal = (page.parent / name).resolve() if name else page

        assert goal.exists(), target
        assert goal.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(goal), target


def test_the_readme_links_every_page() -> None:
    linked = {(README.parent / target).resolve() for target in links(README)}

    assert {page for page in PAGES if page != README} <= linked


def test_pages_hold_no_tabs_and_end_with_one_newline() -> None:
    for page in (*PAGES, DOCS / "token-vectors.json"):
        text = page.read_text("utf-8")

        assert "\t" not in text, page
        assert text.endswith("\n") and not text.endswith("\n\n"), page
