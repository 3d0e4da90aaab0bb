"""POST /auth/login and POST /auth/issue: start a session. Also invoked directly by trusted backends."""

from typing import Any

from auth_tokens import bootstrap
from auth_tokens.domain.errors import TokenServiceError
from auth_tokens.usecases.issue import issue
from auth_tokens.usecases.login import login
from auth_tokens.usecases.ports import Caller
from auth_tokens.web.handler import count_refusal, http_handler, is_http
from auth_tokens.web.issue_bodies import direct_issue_request, issue_request, login_request, options_of
from auth_tokens.web.limited import by_principal
from auth_tokens.web.parameters import idempotency_key, parameters_from
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response, error_response, token_response

SHARED = bootstrap.Parts(bootstrap.powertools(), may_create_keys=True)
DEPS = bootstrap.issuing(SHARED)
ORIGINS = SHARED.settings.allowed_origins


def post_login(request: Request) -> Response:
    parameters = parameters_from(request)
    wanted = login_request(parameters, options_of(parameters, request, ORIGINS))
    return token_response(login(wanted, request.caller, DEPS))


def post_issue(request: Request) -> Response:
    parameters = parameters_from(request)
    options = options_of(parameters, request, ORIGINS)
    wanted = issue_request(parameters, options, idempotency_key(request))
    return token_response(issue(wanted, request.caller, DEPS))


http = http_handler(
    {"POST /auth/login": post_login, "POST /auth/issue": by_principal(post_issue, SHARED.limiter)},
    SHARED.telemetry,
    ORIGINS,
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP event; or, invoked directly (IAM: lambda:InvokeFunction), the body of POST /auth/issue, with
    the member `idempotency_key` for the header."""
    if is_http(event):
        return http(event, context)
    outcome = "ok"
    try:
        response = token_response(issue(direct_issue_request(event), Caller(), DEPS))
    except TokenServiceError as exc:
        response, outcome = error_response(exc), exc.code
        count_refusal(exc, SHARED.telemetry)
    SHARED.telemetry.outcome("direct_issue", outcome=outcome, **response.about)
    body: dict[str, Any] = response.body
    return body
