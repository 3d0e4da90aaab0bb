"""What is waiting to be done, and the outbox and figures in an operator's hands."""

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.usecases.upkeep import (
    ReplayRequest,
    UpkeepDeps,
    recount_figures,
    replay_events,
    service_debt,
    skip_event,
)
from auth_tokens.web.handler import Route
from auth_tokens.web.instants import instant_in
from auth_tokens.web.reasons import reason_in
from auth_tokens.web.request_body import BodyParameters, parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response


def get_debt(deps: UpkeepDeps) -> Route:
    """GET /admin/debt."""

    def route(request: Request) -> Response:
        debt = service_debt(deps)
        tables = [
            {"table": name, "due": table.rows, "oldest_due_s": table.age_s}
            for name, table in debt.tables.items()
        ]
        outbox = {"pending": debt.pending, "oldest_at": debt.oldest_pending_at}
        return Response(body={"cleanup": tables, "outbox": outbox, "rolled_up_at": debt.rolled_up_at})

    return route


def post_replay(deps: UpkeepDeps) -> Route:
    """POST /admin/security/events/replay."""

    def route(request: Request) -> Response:
        parameters = parse_body(request)
        wanted = ReplayRequest(
            _instant(parameters, "since"),
            _instant(parameters, "until"),
            reason_in(parameters),
            parameters.flag("dry_run"),
            parameters.text("cursor"),
        )
        replay = replay_events(wanted, request.caller, deps)
        return Response(body={"events": replay.events, "next_cursor": replay.next_cursor})

    return route


def post_skip(deps: UpkeepDeps) -> Route:
    """POST /admin/security/events/{event_id}/skip."""

    def route(request: Request) -> Response:
        reason, event_id = reason_in(parse_body(request)), request.path_parameters["event_id"].lower()
        skip_event(event_id, reason, request.caller, deps)
        return Response(body={"event_id": event_id}, about={"event_id": event_id})

    return route


def post_recount(deps: UpkeepDeps) -> Route:
    """POST /admin/security/figures/recount."""

    def route(request: Request) -> Response:
        parameters = parse_body(request)
        since = recount_figures(_instant(parameters, "since"), reason_in(parameters), request.caller, deps)
        return Response(body={"since": since})

    return route


def _instant(parameters: BodyParameters, name: str) -> int:
    """One that must be there. Raises InvalidRequest."""
    value = instant_in(parameters, name)
    if value is None:
        raise InvalidRequest(f"{name} is missing.")
    return value
