"""What a trusted backend vouches for, as a response: a session that starts, or a new authentication in a live one."""

from dataclasses import replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import TokenServiceError
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.vouch import VouchRequest, vouch
from auth_tokens.web.responses import Response, token_response
from auth_tokens.web.views import authentication_view


def vouched(wanted: IssueRequest | VouchRequest, caller: Caller, deps: IssueDeps) -> Response:
    """The response to a backend's word; the log line has the user's id, also where it is refused."""
    whose = {"user_id": wanted.user_id}
    try:
        response = _response(wanted, caller, deps)
    except TokenServiceError as exc:
        exc.of(whose)
        raise
    return replace(response, about={**response.about, **whose})


def _response(wanted: IssueRequest | VouchRequest, caller: Caller, deps: IssueDeps) -> Response:
    if isinstance(wanted, IssueRequest):
        return token_response(issue(wanted, caller, deps))
    view = authentication_view(vouch(wanted, caller, deps))
    return Response(body=view, about={"session_id": view["session_id"]})
