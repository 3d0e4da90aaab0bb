"""The Lambda authorizer that other teams attach to their APIs (REST TOKEN and REQUEST, HTTP API, WebSocket)."""

from typing import Any

from auth_tokens.bootstrap.authorizing import authorizing
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.telemetry import standard
from auth_tokens.domain.credentials import Credential, Validated
from auth_tokens.time_left import timed
from auth_tokens.usecases.validate import validate
from auth_tokens.web.authorizer import AuthorizerOptions, authorize

# Its own 5 s leave room for two attempts that hang, and an answer.
DATABASE_TIMEOUT_S = 2

SHARED = Container(standard(), timeout_s=DATABASE_TIMEOUT_S)
DEPS = authorizing(SHARED)
OPTIONS = AuthorizerOptions(
    simple_response=SHARED.settings.authorizer_response == "simple",
    allowed_origins=SHARED.settings.allowed_origins,
    route_scopes=SHARED.settings.route_scopes(),
    public_urls=dict(SHARED.settings.dpop_public_urls),
)


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Allow or refuse; raises nothing but `Unauthorized`."""
    return authorize(event, _validate, OPTIONS, SHARED.telemetry, getattr(context, "aws_request_id", ""))


def _validate(credential: Credential) -> Validated:
    return validate(credential, DEPS)
