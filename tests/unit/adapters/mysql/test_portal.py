"""The statements on the Portal's tables. Those of local mode's own tables are as portal.sql has them, to the byte:
they were measured as they stand there. `RECORD=1` writes the file anew, whose difference is then to be looked at."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from auth_tokens.adapters.mysql import ends, portal, rotations, standing, token_table
from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.portal_mapping import OWN_TABLES, PortalMapping
from auth_tokens.domain.sessions import UserConfig
from auth_tokens.domain.user_ids import IdForm
from tests.support.portals import EXAMPLES, own_sql

MODULES = {
    "ends": ends,
    "portal": portal,
    "rotations": rotations,
    "standing": standing,
    "token_table": token_table,
}
WRITTEN = Path(__file__).parent / "portal.sql"
GOLDEN = {
    name: sql.strip("\n")
    for name, _, sql in (text.partition("\n") for text in WRITTEN.read_text("utf-8").split("-- ")[1:])
}


def template(place: str) -> str:
    module, name = place.split(".")
    found: str = getattr(MODULES[module], name)
    return found


@pytest.mark.skipif(not os.environ.get("RECORD"), reason="writes what the next test compares")
def test_the_statements_are_written_anew() -> None:
    made = {place: own_sql(template(place)).strip("\n") for place in GOLDEN}
    WRITTEN.write_text("\n\n".join(f"-- {place}\n{sql}" for place, sql in made.items()) + "\n")
    GOLDEN.update(made)


@pytest.mark.parametrize("place", GOLDEN)
def test_the_statements_of_the_own_tables_are_those_written(place: str) -> None:
    assert own_sql(template(place)).strip("\n") == GOLDEN[place]


def test_each_statement_on_the_portal_s_tables_is_written() -> None:
    templates = {
        f"{name}.{constant}"
        for name, module in MODULES.items()
        for constant, value in vars(module).items()
        if constant.isupper()
        and isinstance(value, str)
        and re.search(r"\{\w+\}", value)
        and constant[0] != "_"
    }

    assert templates == set(GOLDEN)


@pytest.mark.parametrize(
    "mapping", [m for m in EXAMPLES.values() if m.schema], ids=lambda m: m.users.id_form.value
)
@pytest.mark.parametrize("place", GOLDEN)
def test_each_table_of_the_portal_is_qualified_by_its_schema(place: str, mapping: PortalMapping) -> None:
    sql = PortalTables(mapping).sql(template(place))

    read = re.findall(r"(?:FROM|JOIN|^UPDATE)\s+(`portal`\.\S+|[a-z]\S+)", sql.lstrip())
    assert {name for name in read if not name.startswith("`portal`.")} <= {
        *("auth_user_tokens", "auth_token_users", "auth_token_keys", "auth_token_cutoffs"),
        "information_schema.COLUMNS",
    }
    assert any(name.startswith("`portal`.") for name in read) or "TABLE_SCHEMA = 'portal'" in sql


@pytest.mark.parametrize("form", IdForm)
def test_ours_is_converted_and_never_the_portal_s_key(form: IdForm) -> None:
    tables = PortalTables(replace(OWN_TABLES, users=replace(OWN_TABLES.users, id_form=form), schema="portal"))

    assert "ON u.`id` = " in tables.sql(token_table.SELECT_TOKEN)
    assert "WHERE u.`id` = %s" in tables.sql(portal.SELECT_ACCOUNT_BY_ID)


UUID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"


def test_an_id_is_bound_as_the_portal_keeps_it() -> None:
    assert portal.id_value(IdForm.TEXT, "a") == "a"
    assert portal.id_value(IdForm.INTEGER, "18446744073709551615") == 2**64 - 1
    assert portal.id_value(IdForm.UUID_BYTES, UUID).hex() == UUID.replace("-", "")  # type: ignore[union-attr]
    # As UUID_TO_BIN(…, 1): time high, time mid, time low.
    swapped = portal.id_value(IdForm.UUID_BYTES_SWAPPED, UUID)
    assert swapped.hex() == "4a6b4e5f0a1b2c3d8c7d9e0f1a2b3c4d"  # type: ignore[union-attr]


@pytest.mark.parametrize("cut", [None, '["3600", "7'])
def test_preferences_that_the_server_cut_are_not_taken_for_none(cut: str | None) -> None:
    user = ["user-1", "user@example.com", 1, None]

    with pytest.raises(Unavailable):
        PortalTables().owner_by_order_from(user, cut, [0, None])


def test_without_a_row_of_preferences_all_are_the_usual_ones() -> None:
    portal = PortalTables()
    found = portal.owner_by_order_from(
        ["user-1", "user@example.com", 1, None], [None] * len(portal.preferences), [0, None]
    )

    assert found is not None and found.config == UserConfig()
