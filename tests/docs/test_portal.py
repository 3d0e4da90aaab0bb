"""docs/portal.md is the mapping of the code, and its user name rule."""

import pytest

from auth_tokens.adapters.mysql.portal import CONFIG_COLUMNS
from auth_tokens.domain.bounds import (
    MAX_ACCESS_TTL_S,
    MAX_SESSIONS,
    MAX_TTL_S,
    MIN_ACCESS_TTL_S,
    MIN_TTL_S,
    LimitAction,
)
from auth_tokens.domain.policy import MODES
from auth_tokens.domain.usernames import canonical_username
from auth_tokens.settings import Settings
from tests.docs.markdown import DOCS, table

PAGE = DOCS / "portal.md"
ROWS = {row["Preference"].strip("`"): row for row in table(PAGE, "Preferences", "Preference").rows}


def test_the_page_has_every_preference_with_its_column() -> None:
    assert {name: row["Column"].strip("`") for name, row in ROWS.items()} == CONFIG_COLUMNS


@pytest.mark.parametrize("name", ROWS)
def test_a_preference_overrides_the_setting_of_its_name(name: str) -> None:
    assert ROWS[name]["Overrides"].strip("`") == name.upper()
    assert name in Settings.__dataclass_fields__


@pytest.mark.parametrize("name", ROWS)
def test_a_preference_has_the_bounds_of_the_policy(name: str) -> None:
    bounds = ROWS[name]["Bounds"]
    if name == "access_ttl_s":
        assert bounds == f"{MIN_ACCESS_TTL_S} to {MAX_ACCESS_TTL_S}"
    elif name.endswith("_s"):
        assert bounds == f"{MIN_TTL_S} to {MAX_TTL_S}"
    elif name == "max_sessions":
        assert bounds == f"1 to {MAX_SESSIONS}"
    elif name == "session_limit_action":
        assert bounds == ", ".join(f"`{action.value}`" for action in LimitAction)
    elif name == "allowed_modes":
        assert all(f"`{mode}`" in bounds for mode in MODES)
    else:
        assert (ROWS[name]["Type"], bounds) == ("1 or 0", "")


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
