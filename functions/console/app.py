"""The pages for people, and what the operators' page shows and ends: for browser sessions with the admin label."""

from dataclasses import replace
from pathlib import Path

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.keeping_up import finding_sources, judging_findings, reading_inbox
from auth_tokens.bootstrap.listing_events import listing_events
from auth_tokens.bootstrap.looking_up import looking_up
from auth_tokens.bootstrap.portal import user_ids
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.sessions import sessions
from auth_tokens.bootstrap.summarising import summarising
from auth_tokens.web.console_routes import (
    get_sessions_of_source,
    get_user,
    post_end_of_sessions,
)
from auth_tokens.web.event_export import get_export
from auth_tokens.web.event_routes import get_events, get_summary
from auth_tokens.web.finding_routes import get_findings, get_inbox, get_one_finding, post_finding_state
from auth_tokens.web.handler import Route, http_handler
from auth_tokens.web.look_up_route import look_up_route
from auth_tokens.web.operator_ends import end_of_device, end_of_session, end_of_user
from auth_tokens.web.operators import OperatorRule, for_operators
from auth_tokens.web.pages import page_in_path, pages_in, settings_of_pages
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response

SHARED = Container(powertools())
SESSIONS = sessions(SHARED)
IDS = user_ids(SHARED)
EVENTS = listing_events(SHARED)
FIGURES = summarising(SHARED)
FINDINGS = judging_findings(SHARED)
INBOX = reading_inbox(SHARED)
LOOK_UP = looking_up(SHARED, SESSIONS)
SETTINGS = SHARED.settings
RULE = OperatorRule(SETTINGS.admin_label, SETTINGS.admin_requirements(), SETTINGS.allowed_origins)
ENDING_RULE = replace(RULE, requirements=SETTINGS.admin_ending_requirements())
PAGES = {
    **pages_in(Path(__file__).parent / "pages"),
    "settings.json": settings_of_pages(
        max_staleness_s=SETTINGS.revocation_max_staleness_s,
        operators_label=SETTINGS.admin_label,
        password_url=SETTINGS.credentials_url,
    ),
}


def get_page(request: Request) -> Response:
    return page_in_path(request, PAGES)


def by_operator(route: Route) -> Route:
    return for_operators(route, RULE, SESSIONS.validation_for)


def by_ending_operator(route: Route) -> Route:
    return for_operators(route, ENDING_RULE, SESSIONS.validation_for)


handler = http_handler(
    {
        "GET /pages/{page}": get_page,
        "GET /console/summary": by_operator(get_summary(FIGURES)),
        "GET /console/events": by_operator(get_events(EVENTS, IDS)),
        "GET /console/events/export": by_operator(get_export(EVENTS, IDS, SETTINGS.allowed_origins)),
        "GET /console/inbox": by_operator(get_inbox(INBOX, IDS, SETTINGS.runbook_url)),
        "GET /console/findings": by_operator(get_findings(FINDINGS, IDS)),
        "GET /console/findings/{finding_id}": by_operator(get_one_finding(FINDINGS, SETTINGS.runbook_url)),
        "POST /console/findings/{finding_id}/state": by_operator(post_finding_state(FINDINGS)),
        "GET /console/findings/{finding_id}/sessions": by_operator(
            get_sessions_of_source(finding_sources(SHARED, SESSIONS))
        ),
        "POST /console/lookup": by_operator(look_up_route(LOOK_UP, IDS)),
        "GET /console/users/{user_id}": by_operator(get_user(LOOK_UP, IDS)),
        "POST /console/users/{user_id}/revoke": by_ending_operator(end_of_user(SESSIONS, IDS)),
        "POST /console/sessions/revoke": by_ending_operator(post_end_of_sessions(SESSIONS)),
        "POST /console/sessions/{session_id}/revoke": by_ending_operator(end_of_session(SESSIONS)),
        "POST /console/devices/{device_id}/revoke": by_ending_operator(end_of_device(SESSIONS)),
    },
    SHARED.telemetry,
    SETTINGS.allowed_origins,
    SETTINGS.edge(),
)
