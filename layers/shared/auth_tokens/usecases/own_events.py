"""The security events of the caller's own account: a page of them."""

from dataclasses import dataclass
from itertools import takewhile

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import InvalidAccessToken, InvalidRequest
from auth_tokens.domain.events import EventSelection
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.own_events import SHOWN, OwnEvent, ends_an_earlier_account, own_event
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.events import EventQuery
from auth_tokens.ports.tokens import TokenStore
from auth_tokens.usecases.event_scan import scan
from auth_tokens.usecases.list_events import MAX_SPAN_S, position_before

DEFAULT_PAGE = 20
MAX_PAGE = 100
# The clock of the Portal's creation times may be that of any zone, from UTC-12 to UTC+14.
_MOST_AHEAD_S = 14 * 3600


@dataclass(frozen=True, slots=True)
class OwnEventsDeps:
    events: EventQuery
    store: TokenStore
    clock: Clock


@dataclass(frozen=True, slots=True)
class OwnEventPage:
    """next_cursor: None on the last page."""

    events: list[OwnEvent]
    next_cursor: str | None


def own_events(
    claims: AccessClaims, limit: int | None, cursor: str | None, deps: OwnEventsDeps
) -> OwnEventPage:
    """One page, newest first, at most MAX_SPAN_S back; two SELECTs mostly.

    The cursor is only a position: the query is bound to the user. Where the Portal has created the user again under an
    old id, nothing of the earlier account is shown. Raises InvalidRequest naming the parameter, InvalidAccessToken.
    """
    limit = DEFAULT_PAGE if limit is None else limit
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit must be from 1 to {MAX_PAGE}.")
    before = position_before(cursor, None)
    selection = EventSelection(_since(claims, deps), claims.sub)
    found, after = scan(
        lambda at, n: deps.events.search(selection, at, n),
        lambda event: event.type in SHOWN,
        before,
        limit,
        chunk=MAX_PAGE + 1,
    )
    own = list(takewhile(lambda event: not ends_an_earlier_account(event), found))
    goes_on = after is not None and len(own) == len(found)
    return OwnEventPage(list(map(own_event, own)), uuid_text(after) if after and goes_on else None)


def _since(claims: AccessClaims, deps: OwnEventsDeps) -> int:
    """From when on the events are those of this account: no earlier than the Portal made it."""
    record = deps.store.load(claims.session_id)
    if record is None or record.owner is None:
        raise InvalidAccessToken("session over")
    created_us = record.owner.created_us
    created_at = 0 if created_us is None else created_us // 1_000_000 - _MOST_AHEAD_S
    return max(created_at, deps.clock() - MAX_SPAN_S)
