"""Everything that ends something: RFC 7009, logout, one session, one device, one user; and the Portal's events."""

from typing import Any

from auth_tokens import bootstrap
from auth_tokens.domain.events import RevokeReason
from auth_tokens.usecases.end_session import end_session, forget_device
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.validate import Transport, Validated, validate
from auth_tokens.web.credentials import credential_from
from auth_tokens.web.handler import http_handler, is_http
from auth_tokens.web.limited import by_principal
from auth_tokens.web.paging import user_in_path
from auth_tokens.web.parameters import parameters_from
from auth_tokens.web.portal_events import portal_revocation
from auth_tokens.web.public_clients import refuse_client_authentication
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response, clearing_cookie
from auth_tokens.web.views import ids_of

SHARED = bootstrap.Parts(bootstrap.powertools())
DEPS = bootstrap.sessions(SHARED)
ORIGINS = SHARED.settings.allowed_origins


def post_revoke(request: Request) -> Response:
    parameters = parameters_from(request, form=True)
    refuse_client_authentication(request, parameters)
    token = parameters.required_text("token", max_length=8192)
    revoke_token(token, parameters.text("client_id"), request.caller, DEPS)
    return Response()


def post_logout(request: Request) -> Response:
    caller = _session(request)
    parameters = parameters_from(request, empty=True)
    scope = LogoutScope(parameters.choice("scope", tuple(s.value for s in LogoutScope)))
    logout(scope, caller.claims, request.caller, DEPS)
    ends_this = caller.transport is Transport.COOKIE and scope is not LogoutScope.OTHERS
    cookies = (clearing_cookie(),) if ends_this else ()
    return Response(204, cookies=cookies, about=ids_of(caller.claims))


def delete_session(request: Request) -> Response:
    claims = _session(request).claims
    end_session(request.path_parameters["session_id"], claims.sub, request.caller, DEPS)
    return Response(204, about=ids_of(claims))


def delete_device(request: Request) -> Response:
    claims = _session(request).claims
    forget_device(request.path_parameters["device_id"], claims.sub, request.caller, DEPS)
    return Response(204, about=ids_of(claims))


def post_admin_revoke(request: Request) -> Response:
    reason = parameters_from(request).required_text("reason", max_length=200)
    user_id = user_in_path(request)
    ended = revoke_user(user_id, RevokeReason.ADMIN, reason, DEPS)
    return Response(body={"revoked": ended}, about={"user_id": user_id})


def _session(request: Request) -> Validated:
    return validate(credential_from(request, ORIGINS), DEPS.validation)


http = http_handler(
    {
        "POST /auth/revoke": post_revoke,
        "POST /auth/logout": post_logout,
        "DELETE /auth/sessions/{session_id}": delete_session,
        "DELETE /auth/devices/{device_id}": delete_device,
        "POST /admin/users/{user_id}/revoke": by_principal(post_admin_revoke, SHARED.limiter),
    },
    SHARED.telemetry,
    ORIGINS,
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP event, or an EventBridge event of the Portal (a malformed one raises, and goes to the DLQ)."""
    if is_http(event):
        return http(event, context)
    user_id, reason = portal_revocation(event)
    ended = revoke_user(user_id, reason, "", DEPS)
    SHARED.telemetry.outcome("portal_event", reason=reason.value, revoked=ended)
    return {"revoked": ended}
