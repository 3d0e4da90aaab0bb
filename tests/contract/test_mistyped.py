"""Whatever an operator can mistype is refused by its name with what would be right, returns nothing, and changes
nothing. A new route, parameter or member is in the table by itself."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from local.client import Reply
from local.stack import LocalStack
from tests.contract.document import body_schema, body_type, parameters, resolved
from tests.contract.mistyped import ROUTES, Mistyped, mistyped, mistyped_ids
from tests.contract.visitor import Visitor

# Of each table its rows, and of what an operator changes in one its state. Limits count, and a look may be noted.
STATES = {
    "auth_user_tokens": "SUM(revoked_at IS NOT NULL)",
    "auth_token_users": "MAX(changed_at)",
    "auth_token_keys": "GROUP_CONCAT(state ORDER BY kid)",
    "auth_token_events": "SUM(published_at IS NULL)",
    "auth_token_finding_groups": "GROUP_CONCAT(state ORDER BY newest_id)",
    "auth_token_revocations": "1",
    "auth_token_cutoffs": "MAX(decided_at)",
    "auth_token_rollups": "1",
}
Stored = Callable[[], dict[str, Any]]


@pytest.fixture
def stored(stack: LocalStack) -> Stored:
    """What is stored at the moment."""

    def read() -> dict[str, Any]:
        with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
            found = {}
            for table, state in STATES.items():
                cursor.execute(f"SELECT COUNT(*), {state} FROM {table}")
                found[table] = cursor.fetchone()
            return found

    return read


@pytest.fixture
def before(visitor: Visitor, stored: Stored) -> dict[str, Any]:
    """What is stored once there is something that each route is about."""
    for _ in ("sessions", "for operators"):
        visitor.values.make_next()
    return stored()


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_mistyped_is_refused_by_name_with_what_would_be_right_and_changes_nothing(
    visitor: Visitor, route: str, before: dict[str, Any], stored: Stored
) -> None:
    unhelpful = [
        (each.name, str(each.value)[:60], reply.shortened(160))
        for each in mistyped(route)
        if not _says(each, reply := visitor.send(each.case(route)))
    ]

    assert unhelpful == []
    assert stored() == before


@pytest.mark.parametrize("route", ROUTES)
def test_each_parameter_and_member_of_a_route_is_in_the_table(route: str) -> None:
    named = {name for name, parameter in parameters(route).items() if parameter["in"] == "query"}
    named |= set(resolved(body_schema(route))["properties"]) if body_type(route) else set()

    assert {each.name for each in mistyped(route)} == named


@pytest.mark.parametrize("route", [route for route in ROUTES if "{" in route])
def test_a_mistyped_id_in_the_path_is_nobody_s_and_changes_nothing(
    visitor: Visitor, route: str, before: dict[str, Any], stored: Stored
) -> None:
    replies = {case.name: visitor.send(case) for case in mistyped_ids(route)}

    found = {wrong: reply.shortened() for wrong, reply in replies.items() if not _is_nobody_s(reply)}
    assert found == {}
    assert stored() == before


def _is_nobody_s(reply: Reply) -> bool:
    """Not found; of a user whom the Portal may have deleted, an empty list."""
    return reply.status == 404 or (
        reply.status == 200 and reply.json.get("next_cursor", 0) is None and [] in reply.json.values()
    )


def _says(wrong: Mistyped, reply: Reply) -> bool:
    if reply.status != 400 or reply.json["error"] != "invalid_request":
        return False
    text = reply.json["error_description"]
    return all(part in text for part in (wrong.name, *wrong.says))
