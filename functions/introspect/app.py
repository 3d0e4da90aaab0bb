"""POST /auth/introspect: is this token good? (RFC 7662), for callers that IAM lets in."""

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.sessions import sessions
from auth_tokens.domain.limits import INTROSPECTION_PER_PRINCIPAL
from auth_tokens.usecases.introspect import introspect
from auth_tokens.web.handler import http_handler
from auth_tokens.web.rate_limits import limited_by_principal
from auth_tokens.web.request_body import parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response

SHARED = Container(powertools())
DEPS = sessions(SHARED)
# Far longer than any token of this service, and as much as a body has room for: texts up to this length are
# inactive, not malformed.
MAX_TOKEN = 16_000


def post_introspect(request: Request) -> Response:
    token = parse_body(request, form=True).required_text("token", MAX_TOKEN)
    return Response(body=introspect(token, DEPS))


handler = http_handler(
    {
        "POST /auth/introspect": limited_by_principal(
            post_introspect, memory_limiter(SHARED), INTROSPECTION_PER_PRINCIPAL
        )
    },
    SHARED.telemetry,
    SHARED.settings.allowed_origins,
    SHARED.settings.edge(),
)
