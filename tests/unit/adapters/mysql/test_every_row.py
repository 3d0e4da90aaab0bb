"""The server's `sql_select_limit` cuts a SELECT that has no LIMIT of its own, without a word."""

import re

import pytest

from auth_tokens.adapters.mysql import lists
from auth_tokens.adapters.mysql.connection import EVERY_ROW
from tools.mysql_grammar.statements import of_the_project

# At most one row: by a primary or unique key, or an aggregate of everything.
OF_ONE_ROW = {
    "analytics.census.COUNT_SLICE",
    "analytics.census.SELECT_STATE",
    "created_tokens.COUNT_CREATED_TOKENS",
    "cutoff_table.SELECT_CUTOFF",
    "ends.SELECT_USER_KNOWN",
    "keys.SELECT_KEY_IN_STATE",
    "leases.SELECT_LEASE",
    "live_counts.COUNT_LIVE",
    "outbox.COUNT_EVENTS_OF_SPAN",
    "outbox.COUNT_PENDING",
    "log_purge.COUNT_OLD_LOG",
    "log_purge.SELECT_FIRST_TO_STAY",
    "migrations.LOCK_MIGRATIONS",
    "portal.SELECT_ACCOUNT_BY_ID",
    "purges.TAKEOVERS.COUNT",
    "purges.EVENTS.COUNT",
    "purges.LIMITS.COUNT",
    "purges.TOKENS.COUNT",
    "purges.COUNT_GONE_KEYS",
    "purges.USERS.COUNT",
    "purges.COUNT_OLD_ROLLUPS",
    "purges.COUNT_OLD_GROUPS",
    "analytics.inbox.COUNT_GROUPS",
    "analytics.rollups.COUNT_DUE",
    "revocations.SELECT_LOG_WIDTH",
    "revocations.SELECT_NEXT_NUMBER",
    "standing.READ_UNDER_LOCK",
    "standing.READ_UNDER_LOCK_WITH_DEVICE",
    "standing.READ_USER_UNDER_LOCK",
    "standing.READ_USER_UNDER_LOCK_WITH_DEVICE",
    "starts.SELECT_DEVICE_OF_SESSION",
    "published_revocations.SELECT_STATE",
    "unclaimed.COUNT_UNCLAIMED",
    "token_table.SELECT_DEVICE",
    "token_table.SELECT_SESSION_AND_DENIAL",
    "token_table.SELECT_TOKEN",
}
PREFIX = "auth_tokens.adapters.mysql."
SELECTS = {
    statement.place.removeprefix(PREFIX): statement.sql
    for statement in of_the_project()
    if statement.place.startswith(PREFIX) and statement.sql.lstrip(" \n(").startswith("SELECT")
}


def has_a_limit(sql: str) -> bool:
    """Of its own, and not just within parentheses."""
    outermost, depth = [], 0
    for part in re.split(r"([()])", sql):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth == 0:
            outermost.append(part)
    return re.search(r"\bLIMIT\b", " ".join(outermost)) is not None


@pytest.mark.parametrize("place", SELECTS)
def test_a_select_of_several_rows_has_a_limit_of_its_own(place: str) -> None:
    assert has_a_limit(SELECTS[place]) == (place.partition(",")[0] not in OF_ONE_ROW)


def test_each_select_is_looked_at() -> None:
    assert {place.partition(",")[0] for place in SELECTS} > OF_ONE_ROW
    assert {"lists.SELECT_SESSIONS", "keys.SELECT_PUBLIC_KEYS"} <= set(SELECTS)


def test_a_limit_within_is_none_of_the_whole() -> None:
    assert has_a_limit(lists.SELECT_SESSIONS)
    assert not has_a_limit(lists.SELECT_SESSIONS.replace(EVERY_ROW, ""))
