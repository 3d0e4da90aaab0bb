"""What operators end by signed requests: a session, a device, or everything of a user; each with a reason."""

from auth_tokens.domain.ends import Cause
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.end_session import RowsEnded, SessionEnd, end_any_session, forget_any_device
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.web.handler import Route
from auth_tokens.web.query_parameters import user_in_path
from auth_tokens.web.reasons import reason_in
from auth_tokens.web.request_body import parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response


def end_of_user(deps: SessionDeps, ids: IdForm) -> Route:
    """POST /admin/users/{user_id}/revoke."""

    def route(request: Request) -> Response:
        reason, user_id = reason_in(parse_body(request)), user_in_path(request, ids)
        ended = revoke_user(user_id, RevokeReason.ADMIN, reason, deps, request.caller)
        return Response(body={"revoked": ended}, about={"user_id": user_id})

    return route


def end_of_session(deps: SessionDeps) -> Route:
    """POST /admin/sessions/{session_id}/revoke."""

    def route(request: Request) -> Response:
        parameters, session_id = parse_body(request), request.path_parameters["session_id"]
        cause = Cause(RevokeReason.ADMIN, reason_in(parameters))
        end = SessionEnd(cause=cause, keep_device=parameters.flag("keep_device"))
        ended = end_any_session(session_id, request.caller, deps, end)
        return _ended(ended, session_id=session_id.lower())

    return route


def end_of_device(deps: SessionDeps) -> Route:
    """POST /admin/devices/{device_id}/revoke."""

    def route(request: Request) -> Response:
        cause = Cause(RevokeReason.ADMIN, reason_in(parse_body(request)))
        device_id = request.path_parameters["device_id"]
        ended = forget_any_device(device_id, request.caller, deps, cause)
        return _ended(ended, device_id=device_id.lower())

    return route


def _ended(ended: RowsEnded, **ids: str) -> Response:
    body = {"user_id": ended.user_id, "revoked": ended.rows}
    return Response(body=body, about={"user_id": ended.user_id, **ids})
