"""The statements of cleanup, as index_scans.sql has them: they follow from a scan's identifiers, and each was
measured as it stands there."""

from pathlib import Path

import pytest

from auth_tokens.adapters.mysql import purges
from auth_tokens.adapters.mysql.index_scans import IndexScan

WALKS = {"TOKENS": purges.TOKENS, "LIMITS": purges.LIMITS, "EVENTS": purges.EVENTS, "USERS": purges.USERS}
WRITTEN = {
    name: f"\n{sql}"
    for name, _, sql in (
        text.partition("\n")
        for text in (Path(__file__).parent / "index_scans.sql").read_text("utf-8").split("-- ")[1:]
    )
}


@pytest.mark.parametrize(("name", "walk"), WALKS.items(), ids=WALKS.keys())
def test_a_walk_s_statements_are_those_written(name: str, walk: IndexScan) -> None:
    made = {f"{name}.{statement}": sql for statement, sql in walk.statements.items()}

    assert made == {place: sql for place, sql in WRITTEN.items() if place.startswith(f"{name}.")}


def test_each_written_statement_is_made() -> None:
    assert len(WRITTEN) == sum(len(walk.statements) for walk in WALKS.values()) == 28
