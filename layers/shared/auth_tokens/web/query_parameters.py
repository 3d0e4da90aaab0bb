"""Parameters of query and path. All raise InvalidRequest naming the parameter."""

import re
from collections.abc import Callable

from auth_tokens.domain.analytics.periods import PeriodRequest
from auth_tokens.domain.errors import NO_USER_ID, InvalidRequest, NotFound
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.findings import FindingFilter
from auth_tokens.usecases.inbox import MAX_GROUPS, InboxFilter
from auth_tokens.usecases.list_events import EventFilter
from auth_tokens.usecases.list_sessions import DEFAULT_PAGE
from auth_tokens.web.instants import instant_of, instant_query_value
from auth_tokens.web.requests import Request

_DEFAULT_EVENTS = 50


def session_page_parameters(request: Request) -> tuple[int, str | None]:
    """(limit, cursor) of a list of sessions."""
    limit = whole_query_value(request, "limit")
    return DEFAULT_PAGE if limit is None else limit, request.query_value("cursor")


def page_parameters(request: Request) -> tuple[int | None, str | None]:
    """(limit, cursor) of a list; limit None where absent."""
    return whole_query_value(request, "limit"), request.query_value("cursor")


def user_in_path(request: Request, ids: IdForm) -> str:
    """The {user_id} of an operator's route in its one form. Raises NotFound for a text that cannot be an id."""
    user_id = ids.canonical(request.path_parameters.get("user_id", ""))
    if user_id is None:
        raise NotFound()
    return user_id


def event_filter(request: Request, ids: IdForm) -> EventFilter:
    """Which security events are asked for."""
    user_id = _user_query_value(request, ids)
    limit = whole_query_value(request, "limit")
    return EventFilter(
        user_id=user_id,
        type=request.query_value("type"),
        since=instant_query_value(request, "since"),
        cursor=request.query_value("cursor"),
        limit=_DEFAULT_EVENTS if limit is None else limit,
        until=instant_query_value(request, "until"),
        session_id=_bytes_query_value(request, "session_id", parse_uuid, "the id of a session (a UUID)"),
        source=_bytes_query_value(
            request, "source", _source_from, "a source as events have it: 32 hexadecimal digits"
        ),
        severity=request.query_value("severity"),
    )


def finding_filter(request: Request, ids: IdForm) -> FindingFilter:
    """Which findings are asked for."""
    user_id = _user_query_value(request, ids)
    limit = whole_query_value(request, "limit")
    return FindingFilter(
        state=request.query_value("state"),
        rule=request.query_value("rule"),
        severity=request.query_value("severity"),
        user_id=user_id,
        since=instant_query_value(request, "since"),
        until=instant_query_value(request, "until"),
        cursor=request.query_value("cursor"),
        limit=_DEFAULT_EVENTS if limit is None else limit,
    )


def inbox_filter(request: Request, ids: IdForm) -> InboxFilter:
    """Which groups of findings are asked for."""
    limit = whole_query_value(request, "limit")
    return InboxFilter(
        state=request.query_value("state"),
        rule=request.query_value("rule"),
        severity=request.query_value("severity"),
        user_id=_user_query_value(request, ids),
        cursor=request.query_value("cursor"),
        limit=MAX_GROUPS if limit is None else limit,
    )


def _user_query_value(request: Request, ids: IdForm) -> str | None:
    asked = request.query_value("user_id")
    user_id = None if asked is None else ids.canonical(asked)
    if asked is not None and user_id is None:
        raise InvalidRequest(NO_USER_ID)
    return user_id


def _bytes_query_value(
    request: Request, name: str, parse: Callable[[str], bytes | None], what: str
) -> bytes | None:
    text = request.query_value(name)
    value = parse(text) if text is not None else None
    if text is not None and value is None:
        raise InvalidRequest(f"{name} must be {what}.")
    return value


def _source_from(text: str) -> bytes | None:
    return bytes.fromhex(text) if re.fullmatch(r"[0-9a-fA-F]{32}", text, re.ASCII) else None


def period_parameters(request: Request) -> PeriodRequest:
    """Of which period the figures are asked for."""
    starts = request.query_value("starts")
    return PeriodRequest(
        span_s=whole_query_value(request, "span_s"),
        since=instant_query_value(request, "since"),
        until=instant_query_value(request, "until"),
        step=request.query_value("step"),
        starts=() if starts is None else tuple(instant_of(each, "starts") for each in starts.split(",")),
    )


def flag_query_value(request: Request, name: str) -> bool:
    """`true` or `false`; False where absent. Anything else is refused, also the empty text, as it decides what ends."""
    values = [value for key, value in request.query if key == name]
    if len(values) > 1:
        raise InvalidRequest(f"{name} is repeated.")
    if values and values[0] not in ("true", "false"):
        raise InvalidRequest(f"{name} must be true or false.")
    return values == ["true"]


def whole_query_value(request: Request, name: str) -> int | None:
    """A whole number of 0 or more, or None where absent. Its bounds are its use case's."""
    value = request.query_value(name)
    if value is None:
        return None
    if not re.fullmatch(r"\d{1,12}", value, re.ASCII):
        raise InvalidRequest(f"{name} must be a whole number.")
    return int(value)
