"""POST /auth/token: the OAuth token endpoint (RFC 6749 §3.2)."""

from dataclasses import replace

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.first_proof import own_proofs
from auth_tokens.bootstrap.issuing import issuing
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.taking_over import taking_over
from auth_tokens.domain.errors import UnsupportedGrantType
from auth_tokens.usecases.exchange import exchange_device_token
from auth_tokens.usecases.refresh import refresh
from auth_tokens.web.grant_types import DEVICE_TOKEN_GRANT, REFRESH_GRANT
from auth_tokens.web.handler import http_handler
from auth_tokens.web.issue_bodies import options_of
from auth_tokens.web.key_binding import bound_options, proven_key
from auth_tokens.web.nonces import with_nonces
from auth_tokens.web.public_clients import refuse_client_authentication
from auth_tokens.web.rate_limits import limited_by_guesses
from auth_tokens.web.request_body import idempotency_key, parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response, exchange_response, token_response
from auth_tokens.web.takeover_route import takeover_route
from auth_tokens.web.token_bodies import exchange_request, refresh_request

SHARED = Container(powertools())
DEPS = issuing(SHARED)
TAKEOVER = taking_over(SHARED, DEPS)
PROOFS = own_proofs(SHARED)
ORIGINS = SHARED.settings.allowed_origins


def post_token(request: Request) -> Response:
    parameters = parse_body(request, form=True)
    refuse_client_authentication(request, parameters)
    retry_key = idempotency_key(request)
    grant_type = parameters.required_text("grant_type")
    jkt = proven_key(request, PROOFS, DEPS.clock)
    if grant_type == REFRESH_GRANT:
        wanted = refresh_request(parameters, retry_key, request, ORIGINS, DEPS.codec)
        answer = refresh(replace(wanted, jkt=jkt) if jkt else wanted, request.caller, DEPS)
        SHARED.telemetry.count("RefreshRepeated" if answer.is_repeat else "Refreshed")
        return token_response(answer)
    if grant_type == DEVICE_TOKEN_GRANT:
        options = bound_options(options_of(parameters, request, ORIGINS), jkt, binds=DEPS.policy.binds_keys)
        exchange = replace(exchange_request(parameters, options, retry_key), jkt=jkt)
        return exchange_response(exchange_device_token(exchange, request.caller, DEPS))
    raise UnsupportedGrantType()


ROUTE = takeover_route(post_token, TAKEOVER, ORIGINS, SHARED.telemetry) if TAKEOVER else post_token
ROUTES = {"POST /auth/token": limited_by_guesses(ROUTE, memory_limiter(SHARED))}
handler = http_handler(
    with_nonces(ROUTES, PROOFS, DEPS.clock),
    SHARED.telemetry,
    ORIGINS,
    SHARED.settings.edge(),
)
