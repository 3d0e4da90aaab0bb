"""POST /auth/revoke (RFC 7009)."""

from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_legacy import revoke_legacy_token
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.usecases.takeover_deps import LegacyEndDeps
from auth_tokens.web.handler import Route
from auth_tokens.web.public_clients import refuse_client_authentication
from auth_tokens.web.request_body import parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response


def revoke_route(deps: SessionDeps, legacy: LegacyEndDeps | None) -> Route:
    """Revocation by the holder of a token. legacy: for the Portal's own tokens, None where there are none."""

    def post_revoke(request: Request) -> Response:
        parameters = parse_body(request, form=True)
        refuse_client_authentication(request, parameters)
        token = parameters.required_text("token", max_length=8192)
        client_id = parameters.text("client_id")
        is_ours = revoke_token(token, client_id, request.caller, deps)
        if legacy is not None and not is_ours:
            revoke_legacy_token(token, client_id, request.caller, legacy)
        return Response()

    return post_revoke
