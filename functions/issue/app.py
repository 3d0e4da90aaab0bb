"""POST /auth/login and POST /auth/issue: start a session. POST /auth/step-up, and issue with a session_id: raise one.
Also invoked directly by trusted backends."""

from dataclasses import replace
from typing import Any

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.first_proof import own_proofs
from auth_tokens.bootstrap.issuing import issuing
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.domain.errors import TokenServiceError
from auth_tokens.time_left import timed
from auth_tokens.usecases.login import login
from auth_tokens.usecases.step_up import step_up
from auth_tokens.web.handler import count_refusal, http_handler, is_http
from auth_tokens.web.issue_bodies import direct_issue_request, issue_request, login_request, options_of
from auth_tokens.web.issue_route import vouched
from auth_tokens.web.key_binding import bound_options, proven_key
from auth_tokens.web.nonces import with_nonces
from auth_tokens.web.rate_limits import limited_by_guesses, limited_by_principal
from auth_tokens.web.request_body import BodyParameters, idempotency_key, parse_body
from auth_tokens.web.requests import Request, direct_caller
from auth_tokens.web.responses import Response, error_response, token_response
from auth_tokens.web.step_up_bodies import step_up_request, vouch_request

SHARED = Container(powertools(), may_create_keys=True)
DEPS = issuing(SHARED)
PROOFS = own_proofs(SHARED)
ORIGINS = SHARED.settings.allowed_origins


def post_login(request: Request) -> Response:
    parameters = parse_body(request)
    jkt = proven_key(request, PROOFS, DEPS.clock) if DEPS.policy.binds_keys else None
    options = bound_options(options_of(parameters, request, ORIGINS), jkt)
    wanted = login_request(parameters, options)
    return token_response(login(wanted, request.caller, DEPS))


def post_step_up(request: Request) -> Response:
    wanted = step_up_request(parse_body(request), request, ORIGINS, DEPS.codec)
    jkt = proven_key(request, PROOFS, DEPS.clock)
    return token_response(step_up(replace(wanted, jkt=jkt), request.caller, DEPS))


def post_issue(request: Request) -> Response:
    parameters = parse_body(request)
    wanted = vouch_request(parameters) or issue_request(
        parameters, options_of(parameters, request, ORIGINS), idempotency_key(request)
    )
    return vouched(wanted, request.caller, DEPS)


ROUTES = {
    "POST /auth/login": post_login,
    "POST /auth/issue": limited_by_principal(post_issue, memory_limiter(SHARED)),
    "POST /auth/step-up": limited_by_guesses(post_step_up, memory_limiter(SHARED)),
}
http = http_handler(
    with_nonces(ROUTES, PROOFS, DEPS.clock),
    SHARED.telemetry,
    ORIGINS,
    SHARED.settings.edge(),
)


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP event; or, invoked directly (IAM: lambda:InvokeFunction), the body of POST /auth/issue, with
    the member `idempotency_key` for the header."""
    if is_http(event):
        return http(event, context)
    caller, outcome = direct_caller(context), "ok"
    try:
        wanted = vouch_request(BodyParameters(event)) or direct_issue_request(event)
        response = vouched(wanted, caller, DEPS)
        about = response.about
    except TokenServiceError as exc:
        response, outcome, about = error_response(exc), exc.code, exc.about
        count_refusal(exc, SHARED.telemetry)
    line = {**about, **caller.act, "request_id": caller.request_id, "outcome": outcome}
    SHARED.telemetry.outcome("direct_issue", **line)
    body: dict[str, Any] = response.body
    return body
