"""The sessions that began from a finding's source: a list for an operator to confirm, and the end of those on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from auth_tokens.domain.analytics.detections import read_since
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.ends import Cause
from auth_tokens.domain.errors import InvalidRequest, Unavailable
from auth_tokens.domain.events import EventSelection, EventType, RecordedEvent
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.ports.events import EventQuery
from auth_tokens.usecases.end_session import SESSION_KINDS, SessionEnd, end_record
from auth_tokens.usecases.event_scan import scan
from auth_tokens.usecases.findings import finding_event
from auth_tokens.usecases.list_events import position_before
from auth_tokens.usecases.look_up import FoundRow
from auth_tokens.usecases.row_metadata import metadata_of
from auth_tokens.usecases.session_deps import SessionDeps

# Of one page, and of one call that ends them: each is a transaction of its own.
MAX_SESSIONS = 100
_STARTS = (EventType.LOGIN_SUCCEEDED, EventType.SESSION_ISSUED, EventType.SESSION_TAKEN_OVER)


@dataclass(frozen=True, slots=True)
class SourceDeps:
    events: EventQuery
    sessions: SessionDeps


@dataclass(frozen=True, slots=True)
class SessionsPage:
    """Live ones, newest first; the page may be short before the last one."""

    sessions: list[FoundRow]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class EndedSession:
    """rows: 0 where it had ended before."""

    id: bytes
    user_id: str
    rows: int


@dataclass(frozen=True, slots=True)
class SessionsEnd:
    """left: what could not be got to; sent again, it ends."""

    ended: list[EndedSession]
    not_found: list[bytes]
    left: list[bytes]


def sessions_of_finding(finding_id: str, cursor: str | None, deps: SourceDeps) -> SessionsPage:
    """Those that began from its source within the hour that its rule had read, or later. Raises NotFound,
    InvalidRequest for a finding that is of no source, Unavailable."""
    finding = finding_event(finding_id, deps.events)
    source = finding.source_hash
    if source is None:
        raise InvalidRequest(
            "finding_id names a finding of no source; end the sessions of its user, or of its evidence."
        )
    # Of several networks it is of their site, which only sign-ins by password name, in what is encrypted.
    is_of_site = finding.detail.get("sources") != 1
    wanted = EventSelection(read_since(finding), kinds=_STARTS, source=None if is_of_site else source)

    def is_wanted(event: RecordedEvent) -> bool:
        return event.session_id is not None and (not is_of_site or event.detail.get("site") == source.hex())

    before = position_before(cursor, None)
    found, after = scan(lambda at, n: deps.events.search(wanted, at, n), is_wanted, before, MAX_SESSIONS)
    rows = _live([event.session_id for event in found if event.session_id is not None], deps.sessions)
    return SessionsPage(rows, uuid_text(after) if after is not None else None)


def _live(session_ids: Sequence[bytes], deps: SessionDeps) -> list[FoundRow]:
    now = deps.clock()
    records = {record.id: record for record in deps.store.load_all(session_ids)}
    return [
        FoundRow(record, metadata_of(record, deps.cipher), now)
        for record in map(records.get, dict.fromkeys(session_ids))
        if record is not None and record.is_live(now)
    ]


def end_sessions(
    session_ids: Sequence[bytes], cause: Cause, caller: Caller, deps: SessionDeps, *, keep_devices: bool
) -> SessionsEnd:
    """End exactly these, each with its device unless keep_devices, and each committed with its event. Those that were
    not got to before the database was out of reach, or the time over, are left. Raises Unavailable where nothing has
    ended."""
    asked = list(dict.fromkeys(session_ids))
    records = {record.id: record for record in deps.store.load_all(asked) if record.kind in SESSION_KINDS}
    end = SessionEnd(cause=cause, keep_device=keep_devices)
    known = [records[session_id] for session_id in asked if session_id in records]
    ended: list[EndedSession] = []
    for record in known:
        try:
            ended.append(_ended(record, caller, deps, end))
        except Unavailable:
            if not ended:
                raise
            break
    left = [record.id for record in known[len(ended) :]]
    return SessionsEnd(ended, [each for each in asked if each not in records], left)


def _ended(record: TokenRecord, caller: Caller, deps: SessionDeps, end: SessionEnd) -> EndedSession:
    return EndedSession(record.id, record.user_id, end_record(record, caller, deps, end))
