"""A trusted backend vouches for a user whom it has recognised itself (SSO, MFA)."""

from dataclasses import dataclass, field

from auth_tokens.domain.errors import AccessDenied, InvalidRequest
from auth_tokens.domain.events import EventType
from auth_tokens.usecases.answers import TokenAnswer
from auth_tokens.usecases.begin import Authentication, SessionOptions, begin_session
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.ports import Caller


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """Who was recognised, how (amr: RFC 8176 values) and when (auth_time: epoch seconds, default now)."""

    user_id: str
    amr: tuple[str, ...]
    acr: str = ""
    auth_time: int | None = None
    options: SessionOptions = field(default_factory=SessionOptions)


def issue(request: IssueRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Start a session on a trusted backend's word.

    Raises InvalidRequest (auth_time ahead of now), AccessDenied (unknown or disabled user),
    UnauthorizedClient, InvalidScope, Unavailable.
    """
    now = deps.clock()
    auth_time = now if request.auth_time is None else request.auth_time
    if auth_time > now:
        raise InvalidRequest("auth_time must not be in the future.")
    account = deps.portal.account_by_id(request.user_id)
    if account is None or not account.user.is_active:
        raise AccessDenied("unknown or disabled user")
    how = Authentication(request.amr, request.acr, auth_time)
    return begin_session(
        account.user, request.options, how, caller, deps, now, event=EventType.SESSION_ISSUED
    )
