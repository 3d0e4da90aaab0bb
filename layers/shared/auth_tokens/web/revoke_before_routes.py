"""POST and GET /admin/revoke-before, as routes: everything that began up to an instant ends, or has ended."""

from auth_tokens.domain.errors import NO_USER_ID, InvalidRequest
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.revoke_before import (
    RevokeBeforeDeps,
    RevokeBeforeRequest,
    RevokedBefore,
    revoke_before,
)
from auth_tokens.web.handler import Route
from auth_tokens.web.instants import instant_in
from auth_tokens.web.reasons import reason_in
from auth_tokens.web.request_body import BodyParameters, parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response

# Everything is ended in these words alone: a body that lacks its client_id or user_id must not do it.
CONFIRMATION = "end every session"
_NOW = "now"
_MAX_CLIENT_ID = 64


def revoke_before_routes(deps: RevokeBeforeDeps, ids: IdForm) -> tuple[Route, Route]:
    """(GET, POST), for signed requests only."""
    return _get_route(deps), _post_route(deps, ids)


def _post_route(deps: RevokeBeforeDeps, ids: IdForm) -> Route:
    """Puts a cut-off in force, or ends a user's rows."""

    def route(request: Request) -> Response:
        wanted = _request_from(parse_body(request), ids)
        result = revoke_before(wanted, request.caller, deps)
        return Response(body=_view(wanted, result), about=_about(wanted))

    return route


def _get_route(deps: RevokeBeforeDeps) -> Route:
    """The cut-offs in force, the latest decision first."""

    def route(request: Request) -> Response:
        found = sorted(deps.cutoffs.in_force(), key=lambda marked: -marked.cutoff.decided_at)
        views = [
            {
                "client_id": marked.cutoff.client_id or None,
                "before": marked.cutoff.before,
                "decided_at": marked.cutoff.decided_at,
                "marked": marked.is_marked,
            }
            for marked in found
        ]
        return Response(body={"cutoffs": views})

    return route


def _request_from(parameters: BodyParameters, ids: IdForm) -> RevokeBeforeRequest:
    client_id, named = parameters.word("client_id", _MAX_CLIENT_ID), parameters.text("user_id")
    user_id = None if named is None else ids.canonical(named)
    confirmation = parameters.text("confirm")
    if named is not None and user_id is None:
        raise InvalidRequest(NO_USER_ID)
    if client_id is not None and user_id is not None:
        raise InvalidRequest("client_id and user_id exclude each other.")
    is_everything = client_id is None and user_id is None
    if is_everything and confirmation != CONFIRMATION:
        raise InvalidRequest(f"Without client_id and user_id, confirm must be the words: {CONFIRMATION}.")
    if not is_everything and confirmation is not None:
        raise InvalidRequest("confirm is for a request without client_id and user_id.")
    return RevokeBeforeRequest(_instant(parameters), reason_in(parameters), client_id, user_id)


def _instant(parameters: BodyParameters) -> int | None:
    """None for now."""
    if parameters.is_text("before", _NOW):
        return None
    before = instant_in(parameters, "before", or_word=_NOW)
    if before is None:
        raise InvalidRequest("before is missing.")
    return before


def _view(wanted: RevokeBeforeRequest, result: RevokedBefore) -> dict[str, object]:
    return {
        "client_id": wanted.client_id,
        "user_id": wanted.user_id,
        "before": result.before,
        "changed": result.is_changed,
        "revoked": result.ended,
        "decided_at": result.decided_at,
        "authorizers_by": result.authorizers_by,
    }


def _about(wanted: RevokeBeforeRequest) -> dict[str, str]:
    return {"user_id": wanted.user_id} if wanted.user_id else {}
