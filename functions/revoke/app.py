"""All revocations: of a token, a session, a device, a user, everything before an instant; and the Portal's events."""

from typing import Any

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.cutting_off import cutting_off
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.portal import user_ids
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.sessions import sessions
from auth_tokens.bootstrap.taking_over import ending_legacy
from auth_tokens.domain.credentials import Validated
from auth_tokens.time_left import timed
from auth_tokens.usecases.end_session import SessionEnd, end_session, forget_device
from auth_tokens.usecases.revoke_user import end_what_began_before
from auth_tokens.usecases.validate import validate
from auth_tokens.web.account_scope import require_account_scope
from auth_tokens.web.credentials import credential_from
from auth_tokens.web.handler import http_handler, is_http
from auth_tokens.web.logout_route import logout_route
from auth_tokens.web.nonces import with_nonces
from auth_tokens.web.operator_ends import end_of_device, end_of_session, end_of_user
from auth_tokens.web.portal_events import portal_caller, portal_event
from auth_tokens.web.query_parameters import flag_query_value
from auth_tokens.web.rate_limits import limited_by_principal
from auth_tokens.web.recent_authentication import RecentAuthentication
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.revoke_before_routes import revoke_before_routes
from auth_tokens.web.revoke_route import revoke_route
from auth_tokens.web.views import ids_of

SHARED = Container(powertools())
DEPS = sessions(SHARED)
LIMITER = memory_limiter(SHARED)
USER_IDS = user_ids(SHARED)
GET_BEFORE, POST_BEFORE = revoke_before_routes(cutting_off(SHARED, DEPS), USER_IDS)
ORIGINS = SHARED.settings.allowed_origins
ACCOUNT_SCOPE = SHARED.settings.account_scope
RECENT = RecentAuthentication(SHARED.settings.sensitive_max_auth_age_s, SHARED.settings.acr_order, DEPS.clock)


def delete_session(request: Request) -> Response:
    keep_device = flag_query_value(request, "keep_device")
    caller, session_id = _session(request), request.path_parameters["session_id"]
    if session_id.lower() != caller.claims.sid:  # its own session any credential may end
        RECENT.require(require_account_scope(caller, ACCOUNT_SCOPE))
    claims = caller.claims
    end = SessionEnd(own_device=claims.device_id, keep_device=keep_device)
    end_session(session_id, claims.sub, request.caller, DEPS, end)
    return Response(204, about=ids_of(claims))


def delete_device(request: Request) -> Response:
    claims = RECENT.require(require_account_scope(_session(request), ACCOUNT_SCOPE)).claims
    forget_device(request.path_parameters["device_id"], claims.sub, request.caller, DEPS)
    return Response(204, about=ids_of(claims))


def _session(request: Request) -> Validated:
    return validate(credential_from(request, ORIGINS), DEPS.validation_for(request.caller))


ROUTES = {
    "POST /auth/revoke": revoke_route(DEPS, ending_legacy(SHARED, DEPS)),
    "POST /auth/logout": logout_route(_session, DEPS, ORIGINS, ACCOUNT_SCOPE, RECENT),
    "DELETE /auth/sessions/{session_id}": delete_session,
    "DELETE /auth/devices/{device_id}": delete_device,
    "POST /admin/users/{user_id}/revoke": limited_by_principal(end_of_user(DEPS, USER_IDS), LIMITER),
    "POST /admin/sessions/{session_id}/revoke": limited_by_principal(end_of_session(DEPS), LIMITER),
    "POST /admin/devices/{device_id}/revoke": limited_by_principal(end_of_device(DEPS), LIMITER),
    "GET /admin/revoke-before": limited_by_principal(GET_BEFORE, LIMITER),
    "POST /admin/revoke-before": limited_by_principal(POST_BEFORE, LIMITER),
}
WITH_NONCES = with_nonces(ROUTES, DEPS.proofs, DEPS.clock)
http = http_handler(WITH_NONCES, SHARED.telemetry, ORIGINS, SHARED.settings.edge())


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP event, or an EventBridge event of the Portal (a malformed one raises, and goes to the DLQ)."""
    if is_http(event):
        return http(event, context)
    change, caller = portal_event(event, DEPS.clock(), USER_IDS), portal_caller(event)
    ended = end_what_began_before(change, DEPS, caller)
    about = {"user_id": change.user_id, "request_id": caller.request_id, **caller.act}
    fields = {"reason": change.reason.value, "before": change.at, "revoked": ended, **about}
    SHARED.telemetry.outcome("portal_event", **fields)
    return {"revoked": ended}
