"""`python -m tools.mysql_grammar`: every SQL constant, migration and grant through MySQL 8's grammar.

The tests run the statements on MariaDB, which takes words that MySQL does not. Here each is parsed by the
grammar of dt-sql-parser (npm), and looked through for the little that this grammar lets pass.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from subprocess import run

from tools.mysql_grammar.statements import Statement, as_parsed, found_by_words, of_the_project

FOLDER = Path(__file__).parent
# A grammar that took these would take anything: MariaDB has them, MySQL 8 has not.
NOT_MYSQL = (
    "INSERT INTO t (a) VALUES (1) RETURNING a",
    "ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT",
    "CREATE OR REPLACE TABLE t (a INT)",
    "CREATE SEQUENCE s",
    "SELECT a FROM",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a statement, and where it stands."""

    place: str
    text: str


def faults(statements: Iterable[Statement]) -> list[Fault]:
    """What the grammar and the list of words find. Raises RuntimeError where the grammar refuses nothing."""
    checked = list(statements)
    errors = _grammar_errors([*NOT_MYSQL, *(as_parsed(statement.sql) for statement in checked)])
    if not all(errors[: len(NOT_MYSQL)]):
        raise RuntimeError("the grammar takes what MySQL does not")
    by_grammar = zip(checked, errors[len(NOT_MYSQL) :], strict=True)
    found = [Fault(statement.place, error) for statement, error in by_grammar if error]
    return found + [Fault(s.place, word) for s in checked for word in found_by_words(s.sql)]


def main() -> int:
    """0: nothing found."""
    statements = of_the_project()
    found = faults(statements)
    for fault in found:
        print(f"{fault.place}: {fault.text}")
    print(f"{len(statements)} statements, {len(found)} that MySQL 8 would not take")
    return 1 if found else 0


def _grammar_errors(statements: list[str]) -> list[str | None]:
    command = ["node", "--import", "./resolve.mjs", "validate.mjs"]
    done = run(command, cwd=FOLDER, input=json.dumps(statements), capture_output=True, text=True, check=True)
    errors: list[str | None] = json.loads(done.stdout)
    return errors


if __name__ == "__main__":
    sys.exit(main())
