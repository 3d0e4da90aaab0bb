"""Which rights cover which: what `doctor` finds missing of a database user's."""

import pytest

from deploy.database_users import CLASSES
from deploy.rights import Right, missing, needed_by, rights_in

SCHEMA = "portal"
TABLE = f"{SCHEMA}.auth_users"
NEEDED = Right("SELECT", TABLE, "id")


def grants(*pairs: tuple[str, str]) -> set[Right]:
    return rights_in([{"privileges": privileges, "on": on} for privileges, on in pairs])


COVERED = {
    "the column": ("SELECT (id)", TABLE),
    "among others": ("SELECT (created_at, id), UPDATE (password_hash)", TABLE),
    "the whole table": ("SELECT", TABLE),
    "the table with more": ("SELECT, INSERT, UPDATE", TABLE),
    "the schema": ("SELECT", f"{SCHEMA}.*"),
    "the server": ("SELECT", "*.*"),
    "everything on the table": ("ALL PRIVILEGES", TABLE),
    "everything on the schema": ("ALL PRIVILEGES", f"{SCHEMA}.*"),
    "everything": ("ALL PRIVILEGES", "*.*"),
}
UNCOVERED = {
    "nothing": ("USAGE", "*.*"),
    "another column": ("SELECT (username)", TABLE),
    "another privilege": ("INSERT", TABLE),
    "another table": ("SELECT", f"{SCHEMA}.user_config"),
    "another schema": ("SELECT", "others.*"),
    "a schema whose name begins so": ("SELECT", f"{SCHEMA}2.*"),
}


@pytest.mark.parametrize("grant", COVERED.values(), ids=COVERED)
def test_a_right_is_covered_by(grant: tuple[str, str]) -> None:
    assert missing({NEEDED}, grants(grant)) == []


@pytest.mark.parametrize("grant", UNCOVERED.values(), ids=UNCOVERED)
def test_a_right_is_not_covered_by(grant: tuple[str, str]) -> None:
    assert missing({NEEDED}, grants(grant)) == [NEEDED]


def test_a_whole_table_is_not_covered_by_a_column() -> None:
    assert missing({Right("SELECT", TABLE)}, grants(("SELECT (id)", TABLE))) == [Right("SELECT", TABLE)]


def test_what_the_classes_need_is_read_from_the_sql() -> None:
    needed = {name: needed_by(name, SCHEMA) for name in CLASSES}

    assert NEEDED in needed["reader"]
    assert Right("SELECT", TABLE) in needed["writer"] - needed["reader"]
    assert Right("ALTER", f"{SCHEMA}.auth_user_tokens") in needed["migrator"]
    assert not [
        right for right in needed["reader"] | needed["writer"] if right.privilege in ("ALTER", "CREATE")
    ]
    assert all(len(rights) >= 10 for rights in needed.values())


def test_a_right_reads_as_sql_has_it() -> None:
    assert str(NEEDED) == "SELECT (id) ON portal.auth_users"
    assert str(Right("SELECT", TABLE)) == "SELECT ON portal.auth_users"
