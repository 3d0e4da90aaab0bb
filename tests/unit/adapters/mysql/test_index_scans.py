"""The statements of cleanup, as index_scans.sql has them: they follow from a scan's identifiers, and each was
measured as it stands there."""

from pathlib import Path

import pytest

from auth_tokens.adapters.mysql import purges
from auth_tokens.adapters.mysql.index_scans import IndexScan
from tools.mysql_grammar.statements import index_scan_templates

SCANS = {"TOKENS": purges.TOKENS, "LIMITS": purges.LIMITS, "EVENTS": purges.EVENTS, "USERS": purges.USERS}
WRITTEN = {
    name: f"\n{sql}"
    for name, _, sql in (
        text.partition("\n")
        for text in (Path(__file__).parent / "index_scans.sql").read_text("utf-8").split("-- ")[1:]
    )
}


@pytest.mark.parametrize(("name", "scan"), SCANS.items(), ids=SCANS.keys())
def test_a_scan_s_statements_are_those_written(name: str, scan: IndexScan) -> None:
    made = {f"{name}.{key.lower()}": scan.sql(template) for key, template in index_scan_templates().items()}

    assert made == {place: sql for place, sql in WRITTEN.items() if place.startswith(f"{name}.")}


def test_each_written_statement_is_made() -> None:
    assert len(WRITTEN) == len(SCANS) * len(index_scan_templates()) == 28
