"""No link of a page leads nowhere, in docs/ or beside code."""

from pathlib import Path

from tests.architecture.test_repository import texts
from tests.docs.markdown import DOCS, PAGES, ROOT, anchors, links


def test_relative_links_lead_to_a_file_and_a_heading() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in linking_pages()
        for target in links(page)
        if not _leads_somewhere(page, target)
    ]

    assert not dead, "\n".join(dead)


def _leads_somewhere(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    goal = (page.parent / name).resolve() if name else page
    inside = goal.exists() and goal.is_relative_to(ROOT)
    return inside and (not anchor or anchor in anchors(goal))


def linking_pages() -> list[Path]:
    return [ROOT / name for name in texts() if name.endswith(".md")]


def test_pages_hold_no_tabs_and_end_with_one_newline() -> None:
    for page in (*PAGES, DOCS / "token-vectors.json"):
        text = page.read_text("utf-8")

        assert "\t" not in text, page
        assert text.endswith("\n") and not text.endswith("\n\n"), page
