"""A user's live sessions, for the user and for operators."""

import base64
import binascii
import struct
from dataclasses import dataclass, replace

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.lists import SessionOnDevice
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.ports.keys import Cipher
from auth_tokens.usecases.row_metadata import Metadata, metadata_of
from auth_tokens.usecases.session_deps import SessionDeps

DEFAULT_PAGE = 20
MAX_PAGE = 100
# How long an owner is shown that a session of theirs ended by reuse; cleanup may end it sooner.
REUSE_SHOWN_S = 7 * 86_400
_CURSOR = struct.Struct(">q16s")


@dataclass(frozen=True, slots=True)
class SessionView:
    """What a list shows of a session."""

    record: TokenRecord
    metadata: Metadata
    device_name: str


@dataclass(frozen=True, slots=True)
class SessionPage:
    """reused: those that ended by reuse lately, on the first page only; next_cursor: None on the last page."""

    sessions: list[SessionView]
    reused: list[SessionView]
    next_cursor: str | None


def list_sessions(
    user_id: str, limit: int, cursor: str | None, deps: SessionDeps, *, cursor_name: str = "cursor"
) -> SessionPage:
    """One page, newest use first; one SELECT.

    The cursor is only a position: the query is bound to the user, so a made-up one shows nothing
    of anybody else. cursor_name: as the caller knows it. Raises InvalidRequest naming the parameter.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit must be from 1 to {MAX_PAGE}.")
    after = _position(cursor, cursor_name) if cursor is not None else None
    now = deps.clock()
    found = deps.store.session_list(user_id, now, limit + 1, after, now - REUSE_SHOWN_S)
    live = [session for session in found if session.record.revoked_at is None]
    page = [_view(session, deps.cipher) for session in live[:limit]]
    reused = [_view(session, deps.cipher) for session in found if session not in live]
    return SessionPage(page, reused, _cursor(page[-1].record) if len(live) > limit else None)


def _view(session: SessionOnDevice, cipher: Cipher) -> SessionView:
    record = session.record
    return SessionView(record, metadata_of(record, cipher), _device_name(session, cipher))


def _device_name(session: SessionOnDevice, cipher: Cipher) -> str:
    if session.record.device_id is None or session.device_generation is None:
        return ""
    device = replace(
        session.record,
        id=session.record.device_id,
        generation=session.device_generation,
        metadata=session.device_metadata,
    )
    return metadata_of(device, cipher).name


def _cursor(record: TokenRecord) -> str:
    return base64.urlsafe_b64encode(_CURSOR.pack(record.last_used_at, record.id)).decode()


def _position(cursor: str, name: str) -> tuple[int, bytes]:
    try:
        last_used_at, row_id = _CURSOR.unpack(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError, struct.error) as exc:
        raise InvalidRequest(f"{name} must be the next_{name} of the page before.") from exc
    if not 0 <= last_used_at < 2**34:
        raise InvalidRequest(f"{name} must be the next_{name} of the page before.")
    return last_used_at, row_id
