"""docs/schemas: the security events that go out and the Portal's events that come in, as JSON Schemas.

`RECORD=1 pytest tests/docs/test_event_schemas.py` writes that of the security events anew, from the code.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from auth_tokens.adapters.event_bus import SOURCE, entry_of
from auth_tokens.domain.events import CALLER, DETAILS, EventType, RecordedEvent
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.web.portal_events import MalformedEvent, portal_event
from tests.contract.document import at
from tests.docs.markdown import DOCS, code_blocks

SCHEMAS = DOCS / "schemas"
OUT = SCHEMAS / "security-event.json"
PORTAL: dict[str, Any] = json.loads((SCHEMAS / "portal-event.json").read_text("utf-8"))
TYPES = {str: "string", int: "integer"}
[SAMPLE] = [json.loads(block) for block in code_blocks(DOCS / "reference" / "events.md", "json")]
NOW = 1_795_521_600
SESSION = "019ab5f1-2bff-7d10-9b5e-abcdef012345"


def _security_event_schema() -> dict[str, Any]:
    kinds = [_kind(kind, members) for kind, members in DETAILS.items()]
    text_or_null = {"type": ["string", "null"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:auth-user-tokens:security-event",
        "title": "A security event, on the bus SecurityEventBusArn",
        "description": "docs/reference/events.md has the meanings. Expect new types, and new members.",
        "type": "object",
        "required": ["source", "detail-type", "time", "detail"],
        "properties": {
            "source": {"const": SOURCE},
            "detail-type": {"type": "string"},
            "time": {"type": "string"},
            "detail": {
                "type": "object",
                "required": ["id", "type", "at", "user_id", "session_id", "source", "detail"],
                "properties": {
                    "id": {"type": "string", "pattern": at("components schemas Id pattern")},
                    "type": {"type": "string"},
                    "at": {"description": "Epoch seconds.", "type": "integer", "minimum": 0},
                    "user_id": {**text_or_null, "pattern": at("components schemas UserId pattern")},
                    "session_id": {**text_or_null, "pattern": at("components schemas Id pattern")},
                    "source": {**text_or_null, "pattern": "^[0-9a-f]{32}$"},
                    "detail": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
                },
                "allOf": kinds,
            },
        },
    }


def _kind(kind: EventType, members: Mapping[str, type]) -> dict[str, Any]:
    properties = {name: {"type": TYPES[member]} for name, member in {**members, **CALLER}.items()}
    return {
        "if": {"properties": {"type": {"const": kind.value}}},
        "then": {"properties": {"detail": {"properties": properties}}},
    }


def test_the_schema_of_security_events_is_the_codes() -> None:
    schema = _security_event_schema()
    if os.environ.get("RECORD"):
        OUT.write_text(json.dumps(schema, indent=2) + "\n", "utf-8")

    assert json.loads(OUT.read_text("utf-8")) == schema
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("kind", EventType, ids=lambda kind: kind.value)
def test_what_is_sent_of_each_type_is_as_the_schema_says(kind: EventType) -> None:
    detail = {name: "x" if member is str else 7 for name, member in {**DETAILS[kind], **CALLER}.items()}

    assert _faults(_sent(kind, detail)) == []


@pytest.mark.parametrize("kind", [kind for kind in EventType if DETAILS[kind]], ids=lambda kind: kind.value)
def test_a_member_of_another_type_is_not_as_the_schema_says(kind: EventType) -> None:
    name, member = next(iter(DETAILS[kind].items()))

    assert _faults(_sent(kind, {name: 7 if member is str else "x"})) != []


def test_the_sample_of_the_page_is_as_the_schema_says() -> None:
    assert _faults(SAMPLE) == []
    assert _faults({**SAMPLE, "detail": {**SAMPLE["detail"], "source": "192.0.2.7"}}) != []


def _event(detail_type: str = "UserDisabled", **detail: Any) -> dict[str, Any]:
    return {"source": "portal.users", "detail-type": detail_type, "detail": {"user_id": "7", **detail}}


@pytest.mark.parametrize(
    "event",
    {
        "a user": _event(),
        "an integer for an id": _event(user_id=7),
        "no user": {**_event(), "detail": {}},
        "a detail that is null": {**_event(), "detail": None},
        "an id with a space": _event(user_id="a b"),
        "an id of 37 characters": _event(user_id="u" * 37),
        "another source": {**_event(), "source": "portal"},
        "another type": _event("UserRenamed"),
        "a time": {**_event(), "time": "2026-11-25T00:00:00Z"},
        "a time without a zone": {**_event(), "time": "2026-11-25T00:00:00"},
        "a time that is a number": {**_event(), "time": NOW},
        "an instant": _event(changed_at=NOW),
        "an instant with a fraction": _event(changed_at=NOW + 0.5),
        "an instant in milliseconds": _event(changed_at=NOW * 1000),
        "an unset instant": _event(changed_at=0),
        "no instant": _event(changed_at=None),
        "an instant that is true": _event(changed_at=True),
        "an instant in words": _event(changed_at="yesterday"),
        "an instant of RFC 3339": _event(changed_at="2026-11-24T23:59:59.123456+02:00"),
        "the thirteenth month": _event(changed_at="2026-13-01T00:00:00Z"),
        "a session that stays": _event("PasswordChanged", except_session_id=SESSION),
        "a session in capitals": _event("PasswordChanged", except_session_id=SESSION.upper()),
        "a session that is none": _event("PasswordChanged", except_session_id="7"),
        "a session that is a number": _event("PasswordChanged", except_session_id=7),
        "a session of a disabled user": _event(except_session_id="7"),
        "members that are not known": {**_event(reason="leaver"), "region": "eu-west-1"},
        "a list": [],
    }.items(),
    ids=lambda item: item[0],
)
def test_an_event_of_the_portal_is_taken_exactly_where_the_schema_allows_it(event: tuple[str, Any]) -> None:
    allowed = Draft202012Validator(PORTAL).is_valid(event[1])

    try:
        portal_event(event[1], NOW)
        taken = True
    except MalformedEvent:
        taken = False
    assert taken == allowed


def _sent(kind: EventType, detail: dict[str, Any]) -> dict[str, Any]:
    event = RecordedEvent(
        parse_uuid(SESSION) or b"", kind.value, NOW, "7", parse_uuid(SESSION), b"5" * 16, detail
    )
    entry = entry_of(event, "bus")
    return {
        "source": entry["Source"],
        "detail-type": entry["DetailType"],
        "time": entry["Time"].isoformat(),
        "detail": json.loads(entry["Detail"]),
    }


def _faults(event: Any) -> list[str]:
    validator = Draft202012Validator(json.loads(OUT.read_text("utf-8")))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(event)]
