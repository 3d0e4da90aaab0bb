"""docs/reference/events.md has each type of event with the members of its detail, and the form that is sent."""

import json
import re

import pytest

from auth_tokens.adapters.event_bus import SOURCE, entry_of
from auth_tokens.domain.events import CALLER, DETAILS, EventType, RecordedEvent, SecurityEvent
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.usecases.publish_events import SETTLE_S
from auth_tokens.web.portal_events import SOURCE as PORTAL
from auth_tokens.web.requests import DIRECT
from tests.docs.markdown import DOCS, code_blocks, plain, tables

PAGE = DOCS / "reference" / "events.md"
TEXT = PAGE.read_text("utf-8")
TYPES = {"text": str, "number": int}
[SAMPLE] = [json.loads(block) for block in code_blocks(PAGE, "json")]


def test_every_type_has_its_section_in_the_order_of_the_code() -> None:
    assert re.findall(r"^### (\w+)$", TEXT, re.MULTILINE) == [kind.value for kind in EventType]


def test_every_type_says_what_its_detail_may_be() -> None:
    assert set(DETAILS) == set(EventType)


@pytest.mark.parametrize("kind", EventType, ids=lambda kind: kind.value)
def test_a_type_has_the_members_of_the_code(kind: EventType) -> None:
    documented = {
        plain(row["Member"]): TYPES[row["Type"]]
        for found in tables(PAGE)
        if found.heading == kind.value
        for row in found.rows
    }

    assert documented == DETAILS[kind]


def test_who_did_it_has_the_members_of_the_code() -> None:
    [found] = [found for found in tables(PAGE) if found.heading == "Who did it" and "Member" in found.rows[0]]

    assert {plain(row["Member"]): TYPES[row["Type"]] for row in found.rows} == CALLER


def test_the_actors_are_the_codes() -> None:
    assert f"| `{DIRECT}` |" in TEXT
    assert f"| `{PORTAL}@<account>` |" in TEXT


def test_the_sample_is_what_is_sent() -> None:
    sent = SAMPLE["detail"]
    event = RecordedEvent(
        id=parse_uuid(sent["id"]) or b"",
        type=sent["type"],
        at=sent["at"],
        user_id=sent["user_id"],
        session_id=parse_uuid(sent["session_id"]),
        source_hash=bytes.fromhex(sent["source"]),
        detail=sent["detail"],
    )

    entry = entry_of(event, "bus")

    assert json.loads(entry["Detail"]) == sent
    assert entry["Source"] == SAMPLE["source"] == SOURCE
    assert entry["DetailType"] == SAMPLE["detail-type"]
    assert entry["Time"].strftime("%Y-%m-%dT%H:%M:%SZ") == SAMPLE["time"]
    assert SecurityEvent(EventType(event.type), event.at, detail=event.detail)


def test_every_member_of_the_form_is_explained() -> None:
    [form] = [found for found in tables(PAGE) if found.heading == "Form"]

    assert [plain(row["Member"]) for row in form.rows] == list(SAMPLE["detail"])


def test_the_delay_is_the_codes() -> None:
    assert f"events older than {SETTLE_S} s" in TEXT
