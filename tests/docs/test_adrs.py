"""Decisions: numbered once, whole, short, and there where code cites them."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import DOCS, ROOT, table

ADRS = sorted((DOCS / "adr").glob("[0-9]*.md"))
MAX_WORDS = 650  # one page
CITED_BY = ("layers", "functions", "local", "tests", "examples", "scripts")


def test_numbers_are_unique_and_without_gaps() -> None:
    assert [path.name[:4] for path in ADRS] == [f"{number:04}" for number in range(1, len(ADRS) + 1)]


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_a_decision_is_whole_and_one_page(path: Path) -> None:
    text = path.read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)

    title, _, status = text.splitlines()[:3]
    assert re.fullmatch(rf"# {path.name[:4]}: .+", title)
    assert re.fullmatch(r"Status: (proposed|accepted|superseded by \d{4}), \d{4}-\d\d-\d\d", status)
    assert headings == ["Context", "Options", "Decision", "Consequences"]
    assert "\n- Bad: " in text.split("## Consequences")[1], "every decision has its price"
    assert len(text.split()) <= MAX_WORDS


def test_the_index_has_each_decision_by_its_title() -> None:
    rows = table(DOCS / "adr" / "README.md", "Decisions", "ADR").rows
    titles = [path.read_text("utf-8").splitlines()[0].split(": ", 1)[1] for path in ADRS]

    listed = [row["ADR"] for row in rows]
    named = [f"[{path.name[:4]}]({path.name})" for path in ADRS]
    assert not set(named) ^ set(listed), "\n".join(set(named) ^ set(listed))
    assert listed == named
    assert [row["Decision"] for row in rows] == titles


def test_every_decision_cited_exists() -> None:
    sources = [*ROOT.glob("*.yaml"), ROOT / "Makefile"]
    for folder in CITED_BY:
        sources += [p for p in (ROOT / folder).rglob("*") if p.suffix in {".py", ".sql", ".yaml", ".txt"}]
    cited = {
        number
        for source in sources
        if source.is_file() and ".venv" not in source.parts
        for number in re.findall(r"docs/adr/(\d{4})", source.read_text("utf-8"))
    }

    assert cited
    assert cited <= {path.name[:4] for path in ADRS}


def test_decisions_cited_in_pages_exist() -> None:
    numbers = {path.name[:4] for path in ADRS}
    for page in DOCS.rglob("*.md"):
        assert set(re.findall(r"ADR \[?(\d{4})", page.read_text("utf-8"))) <= numbers, page
