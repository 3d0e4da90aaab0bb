"""The pages for people, and what the operators' page shows and ends: for browser sessions with the admin label."""

from pathlib import Path

from auth_tokens import bootstrap
from auth_tokens.domain.errors import AccessDenied, NotFound
from auth_tokens.domain.events import RevokeReason
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.end_session import end_session, forget_device
from auth_tokens.usecases.list_events import list_events
from auth_tokens.usecases.list_sessions import MAX_PAGE, list_sessions
from auth_tokens.usecases.summarise import summarise
from auth_tokens.usecases.validate import Transport, validate
from auth_tokens.web.credentials import credential_from
from auth_tokens.web.handler import http_handler
from auth_tokens.web.pages import page_in_path, pages_in
from auth_tokens.web.paging import event_filter, flag_query_value, span_of, user_in_path
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.views import event_page_view, ids_of, summary_view, user_view

SHARED = bootstrap.Parts(bootstrap.powertools())
SESSIONS = bootstrap.sessions(SHARED)
EVENTS = bootstrap.listing_events(SHARED)
FIGURES = bootstrap.summarising(SHARED)
SETTINGS = SHARED.settings
PAGES = pages_in(Path(__file__).parent / "pages")
SESSIONS_CURSOR, DEVICES_CURSOR = "sessions_cursor", "devices_cursor"


def get_page(request: Request) -> Response:
    return page_in_path(request, PAGES)


def get_summary(request: Request) -> Response:
    operator = _operator(request)
    span_s, step = span_of(request)
    return Response(body=summary_view(span_s, summarise(span_s, step, FIGURES)), about=operator)


def get_events(request: Request) -> Response:
    operator = _operator(request)
    return Response(body=event_page_view(list_events(event_filter(request), EVENTS)), about=operator)


def get_user(request: Request) -> Response:
    operator, user_id = _operator(request), user_in_path(request)
    sessions = list_sessions(
        user_id, MAX_PAGE, request.query_value(SESSIONS_CURSOR), SESSIONS, cursor_name=SESSIONS_CURSOR
    )
    devices = list_devices(
        user_id, None, request.query_value(DEVICES_CURSOR), SESSIONS, cursor_name=DEVICES_CURSOR
    )
    return Response(body=user_view(sessions, devices), about=operator)


def delete_session(request: Request) -> Response:
    operator, user_id = _operator(request), user_in_path(request)
    session_id = request.path_parameters["session_id"]
    keep_device = flag_query_value(request, "keep_device")
    end_session(session_id, user_id, request.caller, SESSIONS, RevokeReason.ADMIN, keep_device=keep_device)
    return Response(204, about=operator)


def delete_device(request: Request) -> Response:
    operator, user_id = _operator(request), user_in_path(request)
    device_id = request.path_parameters["device_id"]
    forget_device(device_id, user_id, request.caller, SESSIONS, RevokeReason.ADMIN)
    return Response(204, about=operator)


def _operator(request: Request) -> dict[str, str]:
    """The ids of the operator who asks, for the log line.

    Browser sessions only: their labels are read with the session, so that one taken away holds at once; those in
    an access token would hold until its end. Raises NotFound where no label is set, AccessDenied.
    """
    if not SETTINGS.admin_label:
        raise NotFound()
    caller = validate(
        credential_from(request, SETTINGS.allowed_origins), SESSIONS.validation_for(request.caller)
    )
    if caller.transport is not Transport.COOKIE or SETTINGS.admin_label not in caller.labels:
        raise AccessDenied("not an operator")
    return ids_of(caller.claims)


handler = http_handler(
    {
        "GET /pages/{page}": get_page,
        "GET /console/summary": get_summary,
        "GET /console/events": get_events,
        "GET /console/users/{user_id}": get_user,
        "DELETE /console/users/{user_id}/sessions/{session_id}": delete_session,
        "DELETE /console/users/{user_id}/devices/{device_id}": delete_device,
    },
    SHARED.telemetry,
    SETTINGS.allowed_origins,
)
