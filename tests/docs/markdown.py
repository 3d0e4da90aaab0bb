"""Reads the project's Markdown: its tables, links and code blocks."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = (README, ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))
INDEX = DOCS / "README.md"
BY_CURL = DOCS / "tutorials" / "by-curl.md"
ROUTES_PAGE = DOCS / "reference" / "routes.md"
SETTINGS_PAGE = DOCS / "reference" / "settings.md"
# What an administrator does with the stacks.
DEPLOY_PAGES = (
    DOCS / "how-to" / "deploy.md",
    DOCS / "how-to" / "upgrade.md",
    DOCS / "how-to" / "several-accounts.md",
    DOCS / "how-to" / "check-a-deployment.md",
    DOCS / "how-to" / "delete-a-deployment.md",
    DOCS / "how-to" / "put-a-cdn-in-front.md",
    DOCS / "reference" / "parameters.md",
    DOCS / "reference" / "billing.md",
    DOCS / "explanation" / "tried-on-an-emulator.md",
)

_HEADING = re.compile(r"#{1,6} +(.+)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Also within an item of a list, where it is indented.
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Table:
    """heading: the nearest one above; each row a mapping of column title to cell."""

    heading: str
    titles: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


def tables(path: Path) -> list[Table]:
    """The tables of a page, from top to bottom."""
    found: list[Table] = []
    heading, lines = "", []
    for line in [*path.read_text("utf-8").splitlines(), ""]:
        if line.startswith("|"):
            lines.append(line)
            continue
        if lines:
            found.append(_table(heading, lines))
            lines = []
        if match := _HEADING.match(line):
            heading = match[1]
    return found


def table(path: Path, heading: str, title: str) -> Table:
    """The one table under a heading whose first column has this title."""
    [only] = [t for t in tables(path) if t.heading == heading and t.titles[0] == title]
    return only


def plain(cell: str) -> str:
    """A cell without its code marks and emphasis."""
    return cell.replace("`", "").replace("**", "")


def code_blocks(path: Path, language: str) -> list[str]:
    return [dedent(body) for _, name, body in _FENCE.findall(path.read_text("utf-8")) if name == language]


@dataclass(frozen=True)
class Block:
    """A block of code of a page. saved_as: the file that the words above it tell the reader to save it as, or empty."""

    page: Path
    language: str
    text: str
    saved_as: str


def blocks(path: Path) -> list[Block]:
    """The code blocks of a page, from top to bottom."""
    text = path.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(text):
        above = text[: match.start()].rstrip().rpartition("\n\n")[2]
        saved_as = re.search(r"[Ss]ave this as `(\S+)`[^`]*:$", above)
        found.append(Block(path, match[2], dedent(match[3]), saved_as[1] if saved_as else ""))
    return found


def links(path: Path) -> list[str]:
    """Targets of the links of a page that lead to a file of the project."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    return [target for target in _LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings make, by the rule of GitHub."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    headings = [m[1] for line in text.splitlines() if (m := _HEADING.match(line))]
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def _table(heading: str, lines: list[str]) -> Table:
    titles, _, *rows = [_cells(line) for line in lines]
    return Table(heading, tuple(titles), tuple(dict(zip(titles, row, strict=True)) for row in rows))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
