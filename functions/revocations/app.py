"""What was revoked, for verifiers outside API Gateway (docs/adr/0038): to anyone, or to callers that IAM lets in."""

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.publishing_revocations import publishing_revocations
from auth_tokens.domain.errors import NotFound
from auth_tokens.domain.limits import INTROSPECTION_PER_PRINCIPAL
from auth_tokens.usecases.publish_revocations import publish_revocations
from auth_tokens.web.handler import http_handler
from auth_tokens.web.rate_limits import limited_by_principal
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response

SHARED = Container(powertools())
DEPS = publishing_revocations(SHARED)
OPEN_TO = SHARED.settings.revocations_route


def get_revocations(request: Request) -> Response:
    if OPEN_TO != "public":
        raise NotFound()
    return _document(request, "public, max-age=1")


def get_revocations_by_iam(request: Request) -> Response:
    if OPEN_TO == "off":
        raise NotFound()
    return _document(request, "private, max-age=1")


def _document(request: Request, cache_control: str) -> Response:
    document = publish_revocations(request.query_value("after"), DEPS)
    return Response(body=document, headers={"Cache-Control": cache_control})


handler = http_handler(
    {
        "GET /auth/revocations": get_revocations,
        "GET /admin/revocations": limited_by_principal(
            get_revocations_by_iam, memory_limiter(SHARED), INTROSPECTION_PER_PRINCIPAL
        ),
    },
    SHARED.telemetry,
    SHARED.settings.allowed_origins,
    SHARED.settings.edge(),
)
