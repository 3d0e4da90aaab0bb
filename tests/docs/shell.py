"""What a reader of a page types and saves, as one script; and what the page says that is printed then."""

import re
from pathlib import Path

from tests.docs.markdown import Block, blocks

BASE_URL = "http://127.0.0.1:3000"
# `-f` of curl: a call that is refused ends the script.
_STRICT = """\
set -euo pipefail
HERE=$PWD
curl() { command curl --fail-with-body "$@"; }
# Whoever reads the page answers the one question that an act asks.
tokens() {
  case $1 in
    end|revoke|rotate|withdraw|replay|skip|recount) set -- "$@" --yes ;;
    after-restore) set -- "$@" --confirm "end every session" ;;
  esac
  TOKENS_LOCAL=1 TOKENS_URL=http://127.0.0.1:3000 PYTHONPATH="$HERE:$HERE/layers/shared" \\
    "$HERE/.venv/bin/python" -m tokens_command "$@"
}
"""


def script(page: Path, base_url: str) -> str:
    """The page's shell blocks, with its files written where it says so. base_url: stands in for local mode's own."""
    parts = [part for block in blocks(page) if (part := _typed(block))]
    return (_STRICT + "\n".join(parts)).replace(BASE_URL, base_url)


def promised(page: Path) -> list[str]:
    """The lines that the page says are printed, in order; `…` stands for anything."""
    return [line for block in blocks(page) if block.language == "text" for line in block.text.splitlines()]


def missing(lines: list[str], printed: str) -> list[str]:
    """Those of the lines that were not printed, in this order."""
    left = iter(printed.splitlines())
    return [line for line in lines if not any(_fits(line, one) for one in left)]


def _fits(line: str, printed: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, line.split("…"))), printed) is not None


def _typed(block: Block) -> str:
    if block.saved_as:
        # From the folder in which the reader began, wherever the script has gone meanwhile.
        path = f'"$HERE/{block.saved_as}"'
        return f"mkdir -p \"$(dirname {path})\"\ncat > {path} <<'END_OF_FILE'\n{block.text}END_OF_FILE"
    return block.text if block.language == "bash" else ""
