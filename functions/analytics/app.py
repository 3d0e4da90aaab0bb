"""Security events for operators: a page of them, and how many of each. Scheduled: the same figures as metrics."""

from typing import Any

from auth_tokens import bootstrap
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.ids import is_user_id
from auth_tokens.usecases.analyse import EventFilter, security_events, security_summary
from auth_tokens.web.handler import http_handler, is_http
from auth_tokens.web.paging import whole_query_value
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.views import event_page_view

SHARED = bootstrap.parts(bootstrap.powertools())
DEPS = bootstrap.analysing(SHARED)
DAY_S = 86_400
DEFAULT_PAGE = 50
SCHEDULE_S = 300


def get_events(request: Request) -> Response:
    user_id = request.query_value("user_id")
    if user_id is not None and not is_user_id(user_id):
        raise InvalidRequest("user_id is not the id of a user.")
    limit = whole_query_value(request, "limit")
    wanted = EventFilter(
        user_id=user_id,
        type=request.query_value("type"),
        since=whole_query_value(request, "since"),
        cursor=request.query_value("cursor"),
        limit=DEFAULT_PAGE if limit is None else limit,
    )
    return Response(body=event_page_view(security_events(wanted, DEPS)))


def get_summary(request: Request) -> Response:
    asked = whole_query_value(request, "span_s")
    span_s = DAY_S if asked is None else asked
    return Response(body={"span_s": span_s, "events": security_summary(span_s, DEPS)})


http = http_handler(
    {"GET /admin/security/events": get_events, "GET /admin/security/summary": get_summary},
    SHARED.telemetry,
    SHARED.settings.allowed_origins,
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP event, or the schedule's."""
    if is_http(event):
        return http(event, context)
    counts = security_summary(SCHEDULE_S, DEPS)
    SHARED.telemetry.outcome("security_summary", span_s=SCHEDULE_S, **counts)
    return {"span_s": SCHEDULE_S, "events": counts}
