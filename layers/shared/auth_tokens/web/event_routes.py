"""Security events and figures: for signed requests and for the operators' page."""

from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.analytics.summarise import SummariseDeps, summarise
from auth_tokens.usecases.list_events import ListEventsDeps, list_events
from auth_tokens.web.handler import Route
from auth_tokens.web.query_parameters import event_filter, period_parameters
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.views import event_page_view, summary_view


def get_events(deps: ListEventsDeps, ids: IdForm) -> Route:
    """GET /admin/security/events, /console/events."""

    def route(request: Request) -> Response:
        return Response(body=event_page_view(list_events(event_filter(request, ids), deps)))

    return route


def get_summary(deps: SummariseDeps) -> Route:
    """GET /admin/security/summary, /console/summary."""

    def route(request: Request) -> Response:
        return Response(body=summary_view(summarise(period_parameters(request), deps)))

    return route
