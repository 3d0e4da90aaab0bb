"""What the user sees of the events of their own account."""

import pytest

from auth_tokens.domain.events import CALLER, DETAILS, EventType, RecordedEvent
from auth_tokens.domain.own_events import SHOWN, own_event

# About the service, or for operators to judge.
HIDDEN = {
    EventType.SESSIONS_CUT_OFF,
    EventType.KEYS_ROTATED,
    EventType.SIGNING_KEY_WITHDRAWN,
    EventType.DATA_KEY_WITHDRAWN,
    EventType.REFRESH_BURST,
    EventType.FINDING,
    EventType.FINDING_CHANGED,
    EventType.EVENTS_REPLAYED,
    EventType.EVENT_SKIPPED,
    EventType.FIGURES_RECOUNTED,
}
# Who an operator is, what they wrote, and hashes that only operators can compare.
NEVER = {"actor", "actor_session", "note", "request_id", "account", "site"}
NEVER |= {f"{who}_by_{what}" for who in ("presented", "rotated") for what in ("address", "user_agent")}


def event(kind: EventType, **detail: str | int) -> RecordedEvent:
    return RecordedEvent(bytes(16), kind.value, 1, "alice", None, b"\5" * 16, detail)


def test_each_kind_is_shown_or_hidden_on_purpose() -> None:
    assert {kind.value for kind in HIDDEN} == {kind.value for kind in EventType} - set(SHOWN)


@pytest.mark.parametrize("kind", SHOWN)
def test_nothing_of_operators_and_no_hash_is_shown(kind: str) -> None:
    members = {**CALLER, **DETAILS[EventType(kind)]}
    whole = RecordedEvent(bytes(16), kind, 1, "alice", None, None, dict.fromkeys(members, "x"))

    assert set(own_event(whole).detail) <= set(members) - NEVER


@pytest.mark.parametrize(
    ("kind", "actor", "by"),
    [
        (EventType.SESSION_REVOKED, None, None),
        (EventType.SESSION_REVOKED, "user:6f7e0c9a", "operator"),
        (EventType.DEVICE_REVOKED, "arn:aws:sts::123456789012:assumed-role/Support/eve", "operator"),
        (EventType.USER_REVOKED, "portal.users@123456789012", "portal"),
        (EventType.SESSION_ISSUED, "arn:aws:sts::123456789012:assumed-role/Backend/i-1", "backend"),
        (EventType.NEW_DEVICE, "arn:aws:iam::123456789012:user/backend", "backend"),
        (EventType.STEP_UP_SUCCEEDED, "lambda:InvokeFunction", "backend"),
    ],
)
def test_who_acted_is_told_by_their_part_alone(kind: EventType, actor: str | None, by: str | None) -> None:
    seen = own_event(event(kind, **({"actor": actor} if actor else {})))

    assert (seen.by, seen.detail) == (by, {})


def test_a_browser_that_signs_in_anew_by_a_backend_s_word_was_ended_by_no_operator() -> None:
    assert (
        own_event(event(EventType.SESSION_REVOKED, reason="replaced", actor="arn:aws:iam::1:user/b")).by
        == "backend"
    )
