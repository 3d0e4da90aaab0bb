"""The pages for people, and what the operators' page shows and ends: for browser sessions with the admin label."""

from dataclasses import replace
from pathlib import Path

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.listing_events import listing_events
from auth_tokens.bootstrap.portal import user_ids
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.sessions import sessions
from auth_tokens.bootstrap.summarising import summarising
from auth_tokens.domain.ends import Cause
from auth_tokens.domain.events import RevokeReason
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.end_session import SessionEnd, end_session, forget_device
from auth_tokens.usecases.list_sessions import MAX_PAGE, list_sessions
from auth_tokens.web.event_routes import get_events, get_summary
from auth_tokens.web.handler import Route, http_handler
from auth_tokens.web.operators import OperatorRule, for_operators
from auth_tokens.web.pages import page_in_path, pages_in, settings_of_pages
from auth_tokens.web.query_parameters import flag_query_value, user_in_path
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.views import user_view

SHARED = Container(powertools())
SESSIONS = sessions(SHARED)
USER_IDS = user_ids(SHARED)
EVENTS = listing_events(SHARED)
FIGURES = summarising(SHARED)
SETTINGS = SHARED.settings
RULE = OperatorRule(SETTINGS.admin_label, SETTINGS.admin_requirements(), SETTINGS.allowed_origins)
ENDING_RULE = replace(RULE, requirements=SETTINGS.admin_ending_requirements())
PAGES = {
    **pages_in(Path(__file__).parent / "pages"),
    "settings.json": settings_of_pages(
        max_staleness_s=SETTINGS.revocation_max_staleness_s, operators_label=SETTINGS.admin_label
    ),
}
BY_OPERATOR = Cause(RevokeReason.ADMIN)
SESSIONS_CURSOR, DEVICES_CURSOR = "sessions_cursor", "devices_cursor"


def get_page(request: Request) -> Response:
    return page_in_path(request, PAGES)


def get_user(request: Request) -> Response:
    user_id = user_in_path(request, USER_IDS)
    sessions = list_sessions(
        user_id, MAX_PAGE, request.query_value(SESSIONS_CURSOR), SESSIONS, cursor_name=SESSIONS_CURSOR
    )
    devices = list_devices(
        user_id, None, request.query_value(DEVICES_CURSOR), SESSIONS, cursor_name=DEVICES_CURSOR
    )
    return Response(body=user_view(sessions, devices), about={"user_id": user_id})


def delete_session(request: Request) -> Response:
    user_id, session_id = user_in_path(request, USER_IDS), request.path_parameters["session_id"]
    end = SessionEnd(cause=BY_OPERATOR, keep_device=flag_query_value(request, "keep_device"))
    end_session(session_id, user_id, request.caller, SESSIONS, end)
    return Response(204, about={"user_id": user_id, "session_id": session_id})


def delete_device(request: Request) -> Response:
    user_id, device_id = user_in_path(request, USER_IDS), request.path_parameters["device_id"]
    forget_device(device_id, user_id, request.caller, SESSIONS, BY_OPERATOR)
    return Response(204, about={"user_id": user_id, "device_id": device_id})


def by_operator(route: Route, rule: OperatorRule = RULE) -> Route:
    return for_operators(route, rule, SESSIONS.validation_for)


handler = http_handler(
    {
        "GET /pages/{page}": get_page,
        "GET /console/summary": by_operator(get_summary(FIGURES)),
        "GET /console/events": by_operator(get_events(EVENTS, USER_IDS)),
        "GET /console/users/{user_id}": by_operator(get_user),
        "DELETE /console/users/{user_id}/sessions/{session_id}": by_operator(delete_session, ENDING_RULE),
        "DELETE /console/users/{user_id}/devices/{device_id}": by_operator(delete_device, ENDING_RULE),
    },
    SHARED.telemetry,
    SETTINGS.allowed_origins,
    SHARED.settings.edge(),
)
