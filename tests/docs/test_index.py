"""docs/: each page says for whom it is, stands in a folder of its kind, and is found from the index."""

import re
from pathlib import Path

from tests.docs.markdown import DOCS, INDEX, README, ROOT, anchors, links

# A page's line «**For:** …» names readers by these words, and the index has a section for each.
READERS = {
    "you write a client": "i-write-a-client",
    "you protect an API": "i-protect-an-api",
    "you operate the service": "i-operate",
    "you own the Portal": "i-own-the-portal",
    "you investigate": "i-investigate",
    "you change the service": "i-change-the-service",
}
KINDS = {"tutorials", "how-to", "explanation", "reference", "runbook", "adr"}
PAGES = sorted(DOCS.rglob("*.md"))
DECISIONS = [page for page in PAGES if re.match(r"\d{4}-", page.name)]


def test_each_page_says_for_whom_it_is() -> None:
    silent = [page for page in PAGES if page not in DECISIONS and not _names_its_readers(page)]

    assert not silent, _named(silent)


def test_each_page_stands_in_the_folder_of_its_kind() -> None:
    assert [str(page.relative_to(DOCS)) for page in PAGES if page.parent.name not in KINDS] == ["README.md"]


def test_the_index_has_a_section_for_each_reader() -> None:
    assert set(READERS.values()) <= anchors(INDEX)


def test_each_page_is_reached_from_the_index() -> None:
    """By the index itself, or by the index of its folder."""
    reached = {INDEX}
    for index in (INDEX, DOCS / "runbook" / "README.md", DOCS / "adr" / "README.md"):
        reached |= {(index.parent / target.partition("#")[0]).resolve() for target in links(index)}

    lost = [page for page in PAGES if page not in reached]
    assert not lost, _named(lost)


def test_the_readme_leads_to_the_index_and_the_changelog() -> None:
    linked = {(README.parent / target).resolve() for target in links(README)}

    assert {INDEX, ROOT / "CHANGELOG.md"} <= linked


def _named(pages: list[Path]) -> str:
    return "\n".join(str(page.relative_to(ROOT)) for page in pages)


def _names_its_readers(page: Path) -> bool:
    """By the line below its title."""
    _, _, line = page.read_text("utf-8").splitlines()[:3]
    match = re.fullmatch(r"\*\*For:\*\* (.+)\.", line)
    return match is not None and set(match[1].split("; ")) <= {*READERS, "everybody"}
