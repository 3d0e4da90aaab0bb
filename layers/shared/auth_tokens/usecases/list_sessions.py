"""A user's live sessions, for the user and for operators."""

import base64
import binascii
import struct
from dataclasses import dataclass

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.usecases.deps import SessionDeps
from auth_tokens.usecases.metadata import Metadata, metadata_of

DEFAULT_PAGE = 20
MAX_PAGE = 100
_CURSOR = struct.Struct(">q16s")


@dataclass(frozen=True, slots=True)
class SessionView:
    """What a list shows of a session."""

    record: TokenRecord
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class SessionPage:
    """next_cursor: None on the last page."""

    sessions: list[SessionView]
    next_cursor: str | None


def list_sessions(user_id: str, limit: int, cursor: str | None, deps: SessionDeps) -> SessionPage:
    """One page, newest use first; one SELECT.

    The cursor is only a position: the query is bound to the user, so a made-up one shows nothing
    of anybody else. Raises InvalidRequest naming the parameter.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit must be from 1 to {MAX_PAGE}.")
    after = _position(cursor) if cursor is not None else None
    records = deps.store.live_sessions(user_id, deps.clock(), limit + 1, after)
    page = records[:limit]
    next_cursor = _cursor(page[-1]) if len(records) > limit else None
    return SessionPage([SessionView(r, metadata_of(r, deps.cipher)) for r in page], next_cursor)


def _cursor(record: TokenRecord) -> str:
    return base64.urlsafe_b64encode(_CURSOR.pack(record.last_used_at, record.id)).decode()


def _position(cursor: str) -> tuple[int, bytes]:
    try:
        last_used_at, row_id = _CURSOR.unpack(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError, struct.error) as exc:
        raise InvalidRequest("cursor is not one of this list.") from exc
    if not 0 <= last_used_at < 2**34:
        raise InvalidRequest("cursor is not one of this list.")
    return last_used_at, row_id
