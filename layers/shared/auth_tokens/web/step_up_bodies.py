"""Bodies that raise a session → requests of the use cases."""

from collections.abc import Collection

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.tokens import TokenCodec
from auth_tokens.usecases.step_up import StepUpRequest
from auth_tokens.usecases.vouch import VouchRequest
from auth_tokens.web.issue_bodies import MAX_ACR, MAX_PASSWORD, recognised
from auth_tokens.web.request_body import BodyParameters, idempotency_key
from auth_tokens.web.requests import Request
from auth_tokens.web.token_bodies import presented_session

# As many acr values as a settings' list has, and more than a resource asks for.
_MAX_ACR_VALUES = 10
# What a session has from its start.
_FIXED = ("mode", "scope", "client_id", "device", "dpop_jkt", "not_after")


def step_up_request(
    parameters: BodyParameters, request: Request, allowed_origins: Collection[str], codec: TokenCodec
) -> StepUpRequest:
    """`{"password", "refresh_token"?, "client_id"?, "acr_values"?, "max_age"?}`; the session also by its cookie. What a
    resource asked for may be passed on: a password is always recent enough for `max_age`.

    Raises InvalidRequest naming the member, and as refresh_request.
    """
    password = parameters.required_text("password", MAX_PASSWORD)
    acr_values = tuple((parameters.text("acr_values") or "").split())
    if len(acr_values) > _MAX_ACR_VALUES or any(len(value) > MAX_ACR for value in acr_values):
        raise InvalidRequest(
            f"acr_values must be at most {_MAX_ACR_VALUES} values of {MAX_ACR} characters, separated by spaces."
        )
    parameters.whole("max_age", "a whole number of seconds")
    client_id = parameters.text("client_id")
    token, kind = presented_session(parameters, request, allowed_origins, codec)
    return StepUpRequest(token, password, kind, client_id, idempotency_key(request), acr_values)


def vouch_request(parameters: BodyParameters) -> VouchRequest | None:
    """`{"session_id", "user_id", "amr", "acr"?, "auth_time"?}`; None without a session_id, where a session is to start.
    Raises InvalidRequest naming the member."""
    session_id = parameters.text("session_id")
    if session_id is None:
        return None
    for name in _FIXED:
        if parameters.has(name):
            raise InvalidRequest(f"{name} must be left out where session_id is given.")
    return VouchRequest(session_id, *recognised(parameters))
