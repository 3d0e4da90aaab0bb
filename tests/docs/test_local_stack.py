"""docs/reference/local-stack.md: each behaviour listed is held by a test that is there, each question has its call."""

import re

import pytest

from tests.docs.markdown import DOCS, ROOT, table

PAGE = DOCS / "reference" / "local-stack.md"
KNOWN = table(PAGE, "Known", "Behaviour").rows
OPEN = table(PAGE, "Open questions", "Question").rows


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row["Test"].strip("`").partition("::")[2])
def test_a_behaviour_names_its_source_and_a_test(row: dict[str, str]) -> None:
    name, _, function = row["Test"].strip("`").partition("::")
    [file] = (ROOT / "tests").rglob(name)

    assert row["Source"]
    assert re.search(rf"^def {function}\(", file.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("row", OPEN, ids=lambda row: row["Question"])
def test_a_question_has_its_call_and_what_is_taken_meanwhile(row: dict[str, str]) -> None:
    assert row["Question"].endswith(("?", "?)"))
    assert row["Taken here"]
    assert "curl" in row["The call that settles it"] or "the same call" in row["The call that settles it"]
