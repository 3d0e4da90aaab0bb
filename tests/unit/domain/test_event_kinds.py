"""Each kind of security event by its constructor: whose it is, where it came from, and what it says."""

import pytest

from auth_tokens.domain import event_kinds as kinds
from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.ends import Cause, RevocationScope
from auth_tokens.domain.events import EventType, RecordedEvent, RevokeReason, SecurityEvent
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.rotation import Reuse, ReuseKind
from auth_tokens.domain.sessions import ActiveRow
from auth_tokens.domain.tokens import TokenKind
from tests.support.fakes import DEVICE_ID, ROW_ID, USER, session_record

CALLER = Caller("192.0.2.7", "tests", request_id="r")
SESSION = session_record()
AT = SESSION.created_at + 1
SID, DEVICE = uuid_text(ROW_ID), uuid_text(DEVICE_ID)
FINDING = RecordedEvent(
    ROW_ID, "finding", 0, None, None, None, {"rule": "far_apart", "subject": "s", "events": 1}
)
CLAIMS = AccessClaims(USER.id, SID, SID, "c", "", DEVICE, 0, "", (), (), 0, 1)
REUSE = Reuse(ActiveRow(SESSION, USER, b"h"), ReuseKind.OLDER_GENERATION, 2, 9)
EVIDENCE = kinds.Evidence("a", "b", "c", "d", "")
HASHES = {
    "presented_by_address": "a",
    "presented_by_user_agent": "b",
    "rotated_by_address": "c",
    "rotated_by_user_agent": "d",
}
CASES: dict[str, tuple[SecurityEvent, dict[str, str | int]]] = {
    "login_succeeded": (
        kinds.session_started(SESSION, CALLER, by_password=True),
        {"amr": " ".join(SESSION.amr), "request_id": "r"},
    ),
    "session_issued": (
        kinds.session_started(SESSION, CALLER, by_password=False),
        {"amr": " ".join(SESSION.amr), "request_id": "r"},
    ),
    "login_failed": (kinds.login_failed("hash", None, CALLER, AT), {"account": "hash", "request_id": "r"}),
    "session_taken_over": (
        kinds.session_taken_over(SESSION, TokenKind.DEVICE, CALLER),
        {"token_type": "device", "request_id": "r"},
    ),
    "legacy_token_revoked": (
        kinds.legacy_token_revoked(SESSION.user_id, TokenKind.REFRESH, CALLER, AT),
        {"token_type": "refresh", "request_id": "r"},
    ),
    "step_up_succeeded": (
        kinds.step_up_succeeded(SESSION, Authentication(("otp",), "urn:mfa", AT), CALLER, AT),
        {"amr": "otp", "acr": "urn:mfa", "request_id": "r"},
    ),
    "step_up_failed": (kinds.step_up_failed(SESSION, CALLER, AT), {"request_id": "r"}),
    "new_device": (
        kinds.new_device(SESSION, DEVICE_ID, CALLER, notify=True),
        {"device_id": DEVICE, "request_id": "r", "notify": 1},
    ),
    "session_evicted": (kinds.session_evicted(b"other", SESSION), {}),
    "device_revoked, evicted": (kinds.device_evicted(SESSION), {"reason": "evicted"}),
    "session_revoked, replaced": (kinds.session_replaced(SESSION, SESSION, CALLER), {"reason": "replaced"}),
    "token_reuse_detected": (
        kinds.token_reuse_detected(REUSE, EVIDENCE, CALLER, AT),
        {
            "reuse_kind": "older_generation",
            "generations_behind": 2,
            "seconds_since_rotation": 9,
            "token_type": SESSION.kind.value,
            "device_id": DEVICE,
            **HASHES,
            "request_id": "r",
        },
    ),
    "session_revoked": (
        kinds.session_revoked(SESSION, Cause(RevokeReason.REVOKED), CALLER, AT),
        {"reason": "revoked", "request_id": "r"},
    ),
    "session_revoked, others": (
        kinds.logged_out(CLAIMS, "others", CALLER, AT, "kept"),
        {"reason": "logout", "scope": "others", "request_id": "r", "devices": "kept"},
    ),
    "session_revoked, current": (
        kinds.logged_out(CLAIMS, "current", CALLER, AT),
        {"reason": "logout", "scope": "current", "request_id": "r"},
    ),
    "device_revoked": (
        kinds.device_revoked_with(SESSION, DEVICE_ID, Cause(RevokeReason.ADMIN, "lost"), CALLER, AT),
        {"reason": "admin", "note": "lost", "device_id": DEVICE, "request_id": "r"},
    ),
    "access_token_revoked": (
        kinds.access_token_revoked(CLAIMS, CALLER, AT),
        {"jti": SID, "request_id": "r"},
    ),
    "user_revoked": (
        kinds.user_revoked(USER.id, RevokeReason.ADMIN, "leaver", CALLER, AT),
        {"reason": "admin", "request_id": "r", "note": "leaver"},
    ),
    "user_revoked, to an extent": (
        kinds.user_revoked_to(
            RevocationScope(began_by=5, keep_session=ROW_ID),
            USER.id,
            RevokeReason.PASSWORD_CHANGED,
            CALLER,
            AT,
        ),
        {"reason": "password_changed", "before": 5, "request_id": "r", "kept_session_id": SID},
    ),
    "user_revoked, by an operator's instant": (
        kinds.user_revoked_before(5, USER.id, "leaver", CALLER, AT),
        {"reason": "admin", "request_id": "r", "note": "leaver", "before": 5},
    ),
    "sessions_cut_off": (
        kinds.sessions_cut_off(Cutoff("", 5, AT), "leak", CALLER),
        {"before": 5, "note": "leak", "request_id": "r"},
    ),
    "sessions_cut_off, of a client": (
        kinds.sessions_cut_off(Cutoff("c", 5, AT), "leak", CALLER),
        {"client_id": "c", "before": 5, "note": "leak", "request_id": "r"},
    ),
    "user_revoked, an earlier account": (
        kinds.earlier_account_revoked(USER.id, AT),
        {"reason": "user_deleted"},
    ),
    "keys_rotated": (kinds.keys_rotated(AT), {}),
    "signing_key_withdrawn": (
        kinds.signing_key_withdrawn("k", CALLER, AT),
        {"kid": "k", "request_id": "r"},
    ),
    "data_key_withdrawn": (kinds.data_key_withdrawn("k", CALLER, AT), {"kid": "k", "request_id": "r"}),
    "keys_rotated, by an operator": (
        kinds.keys_rotated(AT, CALLER, "leaked"),
        {"note": "leaked", "request_id": "r"},
    ),
    "signing_key_withdrawn, with a reason": (
        kinds.signing_key_withdrawn("k", CALLER, AT, "leaked"),
        {"kid": "k", "note": "leaked", "request_id": "r"},
    ),
    "finding_changed": (
        kinds.finding_changed(FINDING, FindingState.CLOSED, "", CALLER, AT),
        {"finding_id": SID, "state": "closed", "rule": "far_apart", "subject": "s", "request_id": "r"},
    ),
    "events_replayed": (
        kinds.events_replayed(1, 2, "SIEM", CALLER, AT),
        {"since": 1, "until": 2, "note": "SIEM", "request_id": "r"},
    ),
    "event_skipped": (
        kinds.event_skipped(ROW_ID, "refused", CALLER, AT),
        {"event_id": SID, "note": "refused", "request_id": "r"},
    ),
    "figures_recounted": (
        kinds.figures_recounted(3600, "by hand", CALLER, AT),
        {"since": 3600, "note": "by hand", "request_id": "r"},
    ),
    "session_moved": (
        kinds.session_moved(SESSION, kinds.Move("DE", 60, None), CALLER, AT),
        {"from_place": "DE", "elapsed_s": 60, "request_id": "r"},
    ),
    "session_moved, far": (
        kinds.session_moved(SESSION, kinds.Move("DE", 60, 900), CALLER, AT),
        {"from_place": "DE", "elapsed_s": 60, "km": 900, "request_id": "r"},
    ),
    "refresh_burst": (
        kinds.refresh_burst(SESSION, 600, CALLER, AT),
        {"usual_s": 600, "request_id": "r"},
    ),
    "token_key_mismatch": (
        kinds.token_key_mismatch(SESSION, "j" * 43, CALLER, AT),
        {"shown": "j" * 43, "token_type": "refresh", "request_id": "r"},
    ),
    "token_key_mismatch, without a proof": (
        kinds.token_key_mismatch(SESSION, None, CALLER, AT),
        {"shown": "", "token_type": "refresh", "request_id": "r"},
    ),
}
# What no caller made, or what is told of somebody else's network.
WITHOUT_SOURCE = {
    *("session_evicted", "device_revoked, evicted", "user_revoked, to an extent", "keys_rotated"),
    *("user_revoked, an earlier account", "signing_key_withdrawn", "data_key_withdrawn"),
    *("keys_rotated, by an operator", "signing_key_withdrawn, with a reason"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_event_says_what_its_kind_says_and_nothing_else(name: str) -> None:
    event, detail = CASES[name]

    assert event.type.value == name.partition(",")[0]
    assert list(event.detail.items()) == list(detail.items())
    assert event.source == (None if name in WITHOUT_SOURCE else CALLER.address)


def test_each_type_has_a_constructor_but_the_finding_which_is_one() -> None:
    assert {event.type for event, _ in CASES.values()} == set(EventType) - {EventType.FINDING}
