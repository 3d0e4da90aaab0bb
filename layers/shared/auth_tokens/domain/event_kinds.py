"""A constructor for each kind of security event, with its fields; docs/reference/events.md has the meanings.

at: epoch seconds; caller: who made the request that caused the event.
"""

from dataclasses import dataclass, replace

from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.caller import NO_CALLER, Caller
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.ends import Cause, RevocationScope
from auth_tokens.domain.events import EventType, RecordedEvent, RevokeReason, SecurityEvent
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.rotation import Reuse
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind

_Detail = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Who showed a spent token, and who had spent it: keyed hashes, but for the place."""

    presented_by_address: str
    presented_by_user_agent: str
    rotated_by_address: str
    rotated_by_user_agent: str
    rotated_by_place: str


@dataclass(frozen=True, slots=True)
class Move:
    """km: None where the distance is not known."""

    from_place: str
    elapsed_s: int
    km: int | None


def session_started(session: TokenRecord, caller: Caller, *, by_password: bool) -> SecurityEvent:
    """A session starts, by the user's password or by a trusted backend."""
    kind = EventType.LOGIN_SUCCEEDED if by_password else EventType.SESSION_ISSUED
    detail: _Detail = {"amr": " ".join(session.amr), **caller.detail}
    return SecurityEvent(kind, session.created_at, session.user_id, session.id, caller.address, detail)


def login_failed(account: str, user_id: str | None, caller: Caller, at: int) -> SecurityEvent:
    """account: the keyed hash of the name, which distinguishes attempts on one unknown name from attempts on many."""
    detail: _Detail = {"account": account, **caller.detail}
    return SecurityEvent(EventType.LOGIN_FAILED, at, user_id, None, caller.address, detail)


def step_up_succeeded(session: TokenRecord, how: Authentication, caller: Caller, at: int) -> SecurityEvent:
    """A session is raised, by its user's password or by a trusted backend, which is the actor then."""
    detail: _Detail = {"amr": " ".join(how.amr), "acr": how.acr, **caller.detail}
    kind = EventType.STEP_UP_SUCCEEDED
    return SecurityEvent(kind, at, session.user_id, session.id, caller.address, detail)


def step_up_failed(session: TokenRecord, caller: Caller, at: int) -> SecurityEvent:
    """A wrong password for a session; the session stays as it is."""
    kind = EventType.STEP_UP_FAILED
    return SecurityEvent(kind, at, session.user_id, session.id, caller.address, {**caller.detail})


def new_device(session: TokenRecord, device_id: bytes, caller: Caller, *, notify: bool) -> SecurityEvent:
    """A session starts on a device that was not known before. notify: whether the user wants a
    notification, for subscribers of the events that can send one."""
    detail: _Detail = {"device_id": uuid_text(device_id), **caller.detail, "notify": int(notify)}
    at = session.created_at
    return SecurityEvent(EventType.NEW_DEVICE, at, session.user_id, session.id, caller.address, detail)


def session_taken_over(session: TokenRecord, kind: TokenKind, caller: Caller) -> SecurityEvent:
    """A session of the Portal becomes one of ours. kind: of the Portal's token."""
    detail: _Detail = {"token_type": kind.value, **caller.detail}
    at = session.created_at
    return SecurityEvent(
        EventType.SESSION_TAKEN_OVER, at, session.user_id, session.id, caller.address, detail
    )


def legacy_token_revoked(user_id: str, kind: TokenKind, caller: Caller, at: int) -> SecurityEvent:
    """A token of the Portal ends before it became a session of ours. kind: of the Portal's token."""
    detail: _Detail = {"token_type": kind.value, **caller.detail}
    return SecurityEvent(EventType.LEGACY_TOKEN_REVOKED, at, user_id, None, caller.address, detail)


def session_evicted(session_id: bytes, by: TokenRecord) -> SecurityEvent:
    """by: the new session, beyond whose start the limit would have been exceeded."""
    return SecurityEvent(EventType.SESSION_EVICTED, by.created_at, by.user_id, session_id)


def device_evicted(by: TokenRecord) -> SecurityEvent:
    """by: the new session, beyond whose start the limit would have been exceeded."""
    detail: _Detail = {"reason": RevokeReason.EVICTED.value}
    return SecurityEvent(EventType.DEVICE_REVOKED, by.created_at, by.user_id, detail=detail)


def session_replaced(session: TokenRecord, by: TokenRecord, caller: Caller) -> SecurityEvent:
    """The session of a browser that has signed in again; the event belongs to that session's user."""
    detail: _Detail = {"reason": RevokeReason.REPLACED.value}
    kind, at = EventType.SESSION_REVOKED, by.created_at
    return SecurityEvent(kind, at, session.user_id, session.id, caller.address, detail)


def token_reuse_detected(reuse: Reuse, evidence: Evidence, caller: Caller, at: int) -> SecurityEvent:
    """A spent token came back."""
    record = reuse.row.record
    detail: _Detail = {
        "reuse_kind": reuse.kind.value,
        "generations_behind": reuse.generations_behind,
        "seconds_since_rotation": reuse.seconds_since_rotation,
        "token_type": record.kind.value,
        "device_id": uuid_text(record.device_id) if record.device_id else "",
        "presented_by_address": evidence.presented_by_address,
        "presented_by_user_agent": evidence.presented_by_user_agent,
        "rotated_by_address": evidence.rotated_by_address,
        "rotated_by_user_agent": evidence.rotated_by_user_agent,
    }
    if evidence.rotated_by_place:
        detail["rotated_by_place"] = evidence.rotated_by_place
    detail |= caller.detail
    kind = EventType.TOKEN_REUSE_DETECTED
    return SecurityEvent(kind, at, record.user_id, record.id, caller.address, detail)


def session_revoked(session: TokenRecord, cause: Cause, caller: Caller, at: int) -> SecurityEvent:
    """Somebody ends one session."""
    detail: _Detail = {**cause.detail, **caller.detail}
    return SecurityEvent(EventType.SESSION_REVOKED, at, session.user_id, session.id, caller.address, detail)


def logged_out(claims: AccessClaims, scope: str, caller: Caller, at: int, devices: str = "") -> SecurityEvent:
    """scope, devices: as the request has them; devices is empty where only this session ends."""
    detail: _Detail = {"reason": RevokeReason.LOGOUT.value, "scope": scope, **caller.detail}
    if devices:
        detail["devices"] = devices
    kind = EventType.SESSION_REVOKED
    return SecurityEvent(kind, at, claims.sub, claims.session_id, caller.address, detail)


def device_revoked(device: TokenRecord, cause: Cause, caller: Caller, at: int) -> SecurityEvent:
    """Somebody ends a device, with every session on it."""
    detail = _of_device(device.id, cause, caller)
    return SecurityEvent(EventType.DEVICE_REVOKED, at, device.user_id, None, caller.address, detail)


def device_revoked_with(
    session: TokenRecord, device_id: bytes, cause: Cause, caller: Caller, at: int
) -> SecurityEvent:
    """Somebody ends a session, and its device with it."""
    detail = _of_device(device_id, cause, caller)
    return SecurityEvent(EventType.DEVICE_REVOKED, at, session.user_id, session.id, caller.address, detail)


def access_token_revoked(claims: AccessClaims, caller: Caller, at: int) -> SecurityEvent:
    """One access token ends on its own."""
    detail: _Detail = {"jti": claims.jti or "", **caller.detail}
    kind = EventType.ACCESS_TOKEN_REVOKED
    return SecurityEvent(kind, at, claims.sub, claims.session_id, caller.address, detail)


def user_revoked(user_id: str, reason: RevokeReason, note: str, caller: Caller, at: int) -> SecurityEvent:
    """Everything of a user ends. note: an operator's words."""
    detail: _Detail = {"reason": reason.value, **caller.detail}
    if note:
        detail["note"] = note
    return SecurityEvent(EventType.USER_REVOKED, at, user_id, None, caller.address, detail)


def user_revoked_before(before: int, user_id: str, note: str, caller: Caller, at: int) -> SecurityEvent:
    """Sessions and devices of a user that began at an instant or before end. note: an operator's words."""
    event = user_revoked(user_id, RevokeReason.ADMIN, note, caller, at)
    return replace(event, detail={**event.detail, "before": before})


def user_revoked_to(
    extent: RevocationScope, user_id: str, reason: RevokeReason, caller: Caller, at: int
) -> SecurityEvent:
    """Sessions and devices of a user that began at an instant or before end, except those that the extent keeps."""
    detail: _Detail = {"reason": reason.value}
    if extent.began_by is not None:
        detail["before"] = extent.began_by
    detail |= caller.detail
    if extent.keep_session is not None:
        detail["kept_session_id"] = uuid_text(extent.keep_session)
    return SecurityEvent(EventType.USER_REVOKED, at, user_id, detail=detail)


def sessions_cut_off(cutoff: Cutoff, note: str, caller: Caller) -> SecurityEvent:
    """Everything that began up to an instant ends, of a client or of all. note: an operator's words."""
    client: _Detail = {"client_id": cutoff.client_id} if cutoff.client_id else {}
    detail: _Detail = {**client, "before": cutoff.before, "note": note, **caller.detail}
    kind = EventType.SESSIONS_CUT_OFF
    return SecurityEvent(kind, cutoff.decided_at, None, None, caller.address, detail)


def earlier_account_revoked(user_id: str, at: int) -> SecurityEvent:
    """Rows of an earlier account with the same user id end."""
    detail: _Detail = {"reason": RevokeReason.USER_DELETED.value}
    return SecurityEvent(EventType.USER_REVOKED, at, user_id, detail=detail)


def keys_rotated(at: int, caller: Caller = NO_CALLER, note: str = "") -> SecurityEvent:
    """Keys have changed their states: by the schedule, or because an operator wanted it."""
    detail = {**_note(note), **caller.detail}
    return SecurityEvent(EventType.KEYS_ROTATED, at, detail=detail)


def signing_key_withdrawn(kid: str, caller: Caller, at: int, note: str = "") -> SecurityEvent:
    """A signing key ends at once."""
    detail = {"kid": kid, **_note(note), **caller.detail}
    return SecurityEvent(EventType.SIGNING_KEY_WITHDRAWN, at, detail=detail)


def data_key_withdrawn(kid: str, caller: Caller, at: int, note: str = "") -> SecurityEvent:
    """A data key ends at once."""
    detail = {"kid": kid, **_note(note), **caller.detail}
    return SecurityEvent(EventType.DATA_KEY_WITHDRAWN, at, detail=detail)


def finding_changed(
    finding: RecordedEvent, state: FindingState, note: str, caller: Caller, at: int
) -> SecurityEvent:
    """An operator has a finding in hand, or is done with it, and with the earlier ones of its rule and subject."""
    about: _Detail = {"finding_id": uuid_text(finding.id), "state": state.value}
    group: _Detail = {name: finding.detail[name] for name in ("rule", "subject") if name in finding.detail}
    detail: _Detail = {**about, **group, **_note(note), **caller.detail}
    return SecurityEvent(EventType.FINDING_CHANGED, at, None, None, caller.address, detail)


def events_replayed(since: int, until: int, note: str, caller: Caller, at: int) -> SecurityEvent:
    """Events of a span go to the bus once more."""
    span: _Detail = {"since": since, "until": until}
    detail = {**span, **_note(note), **caller.detail}
    return SecurityEvent(EventType.EVENTS_REPLAYED, at, None, None, caller.address, detail)


def event_skipped(event_id: bytes, note: str, caller: Caller, at: int) -> SecurityEvent:
    """An event is not sent to the bus, which refuses it."""
    about: _Detail = {"event_id": uuid_text(event_id)}
    detail = {**about, **_note(note), **caller.detail}
    return SecurityEvent(EventType.EVENT_SKIPPED, at, None, None, caller.address, detail)


def figures_recounted(since: int, note: str, caller: Caller, at: int) -> SecurityEvent:
    """The figures from an hour on are counted again."""
    about: _Detail = {"since": since}
    detail = {**about, **_note(note), **caller.detail}
    return SecurityEvent(EventType.FIGURES_RECOUNTED, at, None, None, caller.address, detail)


def session_moved(session: TokenRecord, move: Move, caller: Caller, at: int) -> SecurityEvent:
    """Impossible travel: a session is refreshed too far from its last refresh for the time between."""
    distance: _Detail = {} if move.km is None else {"km": move.km}
    detail = {"from_place": move.from_place, "elapsed_s": move.elapsed_s, **distance, **caller.detail}
    return SecurityEvent(EventType.SESSION_MOVED, at, session.user_id, session.id, caller.address, detail)


def refresh_burst(session: TokenRecord, usual_s: int, caller: Caller, at: int) -> SecurityEvent:
    """A session is refreshed far above the usual rate."""
    detail: _Detail = {"usual_s": usual_s, **caller.detail}
    return SecurityEvent(EventType.REFRESH_BURST, at, session.user_id, session.id, caller.address, detail)


def token_key_mismatch(record: TokenRecord, shown: str | None, caller: Caller, at: int) -> SecurityEvent:
    """A genuine token of a key's owner is presented by somebody who does not hold the key. shown: the thumbprint of the
    key that they do hold, None without a proof."""
    detail: _Detail = {"shown": shown or "", "token_type": record.kind.value, **caller.detail}
    kind = EventType.TOKEN_KEY_MISMATCH
    return SecurityEvent(kind, at, record.user_id, record.id, caller.address, detail)


def _note(note: str) -> _Detail:
    return {"note": note} if note else {}


def _of_device(device_id: bytes, cause: Cause, caller: Caller) -> _Detail:
    return {**cause.detail, "device_id": uuid_text(device_id), **caller.detail}
