"""docs/reference/portal.md is the mapping of the code, and its user name rule."""

import re

import pytest

from auth_tokens.domain.policy import MODES, PREFERENCES
from auth_tokens.domain.usernames import canonical_username
from tests.docs.markdown import DOCS, plain, table
from tests.support.declared_settings import SETTINGS
from tests.support.world import SQL

DECLARED = {setting.name: setting for setting in SETTINGS}
PAGE = DOCS / "reference" / "portal.md"
ROWS = {row["Preference"].strip("`"): row for row in table(PAGE, "Preferences", "Preference").rows}


def test_the_page_has_every_preference_with_its_column() -> None:
    assert {name: row["Column"].strip("`") for name, row in ROWS.items()} == {
        name: name for name in PREFERENCES
    }


@pytest.mark.parametrize("name", ROWS)
def test_a_preference_overrides_the_setting_of_its_name(name: str) -> None:
    assert ROWS[name]["Overrides"].strip("`") == name.upper()
    assert name in DECLARED


@pytest.mark.parametrize("name", ROWS)
def test_a_preference_has_the_type_and_bounds_of_the_policy(name: str) -> None:
    preference, setting = PREFERENCES[name], DECLARED[name]
    number = "seconds" if setting.unit == "s" else "number"
    row = ROWS[name]

    assert row["Type"] == {int: number, str: "text", bool: "1 or 0"}[preference.column]
    if preference.bounds:
        assert row["Bounds"] == "{} to {}".format(*preference.bounds)
    elif name == "allowed_modes":  # a list, in any order
        assert re.findall("`(.*?)`", row["Bounds"]) == list(MODES)
    elif preference.column is str:
        assert plain(row["Bounds"]) == ", ".join(setting.choices)
    else:
        assert row["Bounds"] == ""


def test_local_mode_has_a_column_for_each_preference_of_its_type() -> None:
    types = {int: "INT UNSIGNED", str: "VARCHAR", bool: "TINYINT"}
    migrations = "".join(path.read_text("utf-8") for path in sorted(SQL.glob("*.sql")))
    statements = re.findall(r"TABLE (?:IF NOT EXISTS )?user_config\b(.*?);", migrations, re.DOTALL)
    columns = re.compile(rf"^  (?:ADD COLUMN )?(\w+) ({'|'.join(types.values())})\b", re.MULTILINE)
    made = dict(column for statement in statements for column in columns.findall(statement))

    assert made.pop("user_id") == "VARCHAR"
    assert made == {name: types[each.column] for name, each in PREFERENCES.items()}


@pytest.mark.parametrize("spelling", ["Alice", " ALICE ", "alice", "ＡＬＩＣＥ", "alice\u3000", "\tAlice\n"])
def test_spellings_of_one_name_are_one(spelling: str) -> None:
    assert canonical_username(spelling) == "alice"


@pytest.mark.parametrize("other", ["alicé", "al ice", "alice.", "аlice", "alicе", "alice\u200b", "alıce"])
def test_another_name_stays_another(other: str) -> None:
    """An accent, a blank within, a Cyrillic letter, a zero-width space, a dotless i."""
    assert canonical_username(other) != "alice"


@pytest.mark.parametrize(
    "name", ["Straße", "STRASSE", "ﬁne", "İstanbul", "Å", "A\u030a", "ΣΊΣΥΦΟΣ", "①", " x "]
)
def test_the_form_of_a_form_is_itself(name: str) -> None:
    form = canonical_username(name)

    assert canonical_username(form) == form


def test_the_pages_examples_are_the_codes() -> None:
    text = PAGE.read_text("utf-8")

    assert "`Straße`\nand `STRASSE` are one" in text
    assert canonical_username("Straße") == canonical_username("STRASSE")
