"""The caller's own session, sessions and devices; and for operators, whose they are and those of any user."""

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.events import event_log
from auth_tokens.bootstrap.looking_up import looking_up
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.portal import user_ids
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.sessions import sessions
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Validated
from auth_tokens.usecases.devices import list_devices, rename_device
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.own_events import OwnEventsDeps
from auth_tokens.usecases.validate import validate
from auth_tokens.web.account_scope import require_account_scope
from auth_tokens.web.credentials import credential_from, is_cross_site
from auth_tokens.web.handler import http_handler
from auth_tokens.web.look_up_route import look_up_route
from auth_tokens.web.nonces import with_nonces
from auth_tokens.web.own_event_route import get_own_events
from auth_tokens.web.query_parameters import page_parameters, session_page_parameters
from auth_tokens.web.rate_limits import limited_by_principal
from auth_tokens.web.request_body import parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.user_lists import get_user_devices, get_user_sessions
from auth_tokens.web.views import device_page_view, device_view, own_session_view, session_page_view

SHARED = Container(powertools())
DEPS = sessions(SHARED)
EVENTS = OwnEventsDeps(event_log(SHARED), DEPS.store, DEPS.clock)
LIMITER = memory_limiter(SHARED)
USER_IDS = user_ids(SHARED)
ORIGINS = SHARED.settings.allowed_origins
ACCOUNT_SCOPE = SHARED.settings.account_scope


def get_session(request: Request) -> Response:
    caller = _session(request)
    return Response(body=own_session_view(caller, with_csrf_token=not is_cross_site(request, ORIGINS)))


def get_sessions(request: Request) -> Response:
    claims = _account(request)
    page = list_sessions(claims.sub, *session_page_parameters(request), DEPS)
    return Response(body=session_page_view(page, claims.sid))


def get_devices(request: Request) -> Response:
    claims = _account(request)
    page = list_devices(claims.sub, *page_parameters(request), DEPS)
    return Response(body=device_page_view(page, claims.device_id))


def patch_device(request: Request) -> Response:
    claims = _account(request)
    name = parse_body(request).required_text("name", max_length=200)
    device = rename_device(request.path_parameters["device_id"], claims.sub, name, DEPS)
    return Response(body=device_view(device, claims.device_id))


def _session(request: Request) -> Validated:
    return validate(credential_from(request, ORIGINS), DEPS.validation_for(request.caller))


def _account(request: Request) -> AccessClaims:
    """Whose other sessions and devices may be seen and changed."""
    return require_account_scope(_session(request), ACCOUNT_SCOPE).claims


ROUTES = {
    "GET /auth/session": get_session,
    "GET /auth/sessions": get_sessions,
    "GET /auth/devices": get_devices,
    "GET /auth/events": get_own_events(EVENTS, _account),
    "PATCH /auth/devices/{device_id}": patch_device,
    "POST /admin/lookup": limited_by_principal(look_up_route(looking_up(SHARED, DEPS), USER_IDS), LIMITER),
    "GET /admin/users/{user_id}/sessions": limited_by_principal(get_user_sessions(DEPS, USER_IDS), LIMITER),
    "GET /admin/users/{user_id}/devices": limited_by_principal(get_user_devices(DEPS, USER_IDS), LIMITER),
}
handler = http_handler(
    with_nonces(ROUTES, DEPS.proofs, DEPS.clock),
    SHARED.telemetry,
    ORIGINS,
    SHARED.settings.edge(),
)
