"""The security events of the caller's own account: theirs, all of theirs, and of nobody else."""

import contextlib

import pytest

from local.client import Client
from local.stack import LocalStack
from tests.security.test_object_routes import Neighbourhood, Person


@pytest.fixture
def around(stack: LocalStack) -> Neighbourhood:
    return Neighbourhood(stack)


def seen(around: Neighbourhood, person: Person, query: str = "") -> list[str]:
    """The types of the person's events, newest first, of all pages."""
    types, cursor = [], ""
    while True:
        page = around.client.get(f"/auth/events?{query}{cursor}", bearer=person.bearer)
        assert page.status == 200
        types += [event["type"] for event in page.json["events"]]
        if page.json["next_cursor"] is None:
            return types
        cursor = f"&cursor={page.json['next_cursor']}"


def test_pages_have_each_event_once_and_newest_first(around: Neighbourhood) -> None:
    person = around.person()
    around.client.delete(
        f"/auth/sessions/{around.issued(person.user_id)['session_id']}", bearer=person.bearer
    )

    everything = seen(around, person)

    started = ["new_device", "session_issued"]
    assert everything == ["device_revoked", "session_revoked", *started, *started]
    assert seen(around, person, "limit=1") == seen(around, person, "limit=4") == everything


def test_a_cursor_of_another_user_s_list_shows_none_of_theirs(around: Neighbourhood) -> None:
    owner, other = around.person(), around.person()
    page = around.client.get("/auth/events?limit=1", bearer=owner.bearer).json

    reply = around.client.get(f"/auth/events?cursor={page['next_cursor']}", bearer=other.bearer)

    assert reply.json == {"events": [], "next_cursor": None}


def test_an_operator_s_end_names_no_operator(around: Neighbourhood) -> None:
    person = around.person()
    victim = around.issued(person.user_id)["session_id"]
    body = {"reason": "seen on a forum"}
    assert around.client.signed("POST", f"/admin/sessions/{victim}/revoke", body).status == 200

    reply = around.client.get("/auth/events?limit=2", bearer=person.bearer)

    assert {event["by"] for event in reply.json["events"]} == {"operator"}
    for text in ("arn:", "forum", "source", "request_id"):
        assert text not in reply.body.decode()


def test_a_new_account_of_an_old_id_sees_nothing_of_the_earlier_one(
    stack: LocalStack, around: Neighbourhood
) -> None:
    earlier = around.person()
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE auth_users SET created_at = UTC_TIMESTAMP(6) WHERE id = %s", (earlier.user_id,)
        )

    later = Person(earlier.username, earlier.user_id, around.issued(earlier.user_id))

    assert seen(around, later) == ["new_device", "session_issued"]


def test_without_a_credential_there_is_nothing(stack: LocalStack) -> None:
    assert Client(stack.base_url).get("/auth/events").status == 401
