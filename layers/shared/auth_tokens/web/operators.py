"""Routes for operators in a browser: the label and the authentication that they need."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Transport
from auth_tokens.domain.errors import AccessDenied, NotFound, TokenServiceError
from auth_tokens.domain.requirements import Requirements
from auth_tokens.usecases.validate import ValidateDeps, validate
from auth_tokens.web.credentials import credential_from
from auth_tokens.web.handler import Route
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response


@dataclass(frozen=True, slots=True)
class OperatorRule:
    """Who is an operator. label: that the user needs, or empty where nobody is an operator; requirements: of the
    authentication."""

    label: str
    requirements: Requirements
    allowed_origins: Collection[str]


def for_operators(route: Route, rule: OperatorRule, validation: Callable[[Caller], ValidateDeps]) -> Route:
    """A route for operators only. Its request, its events and its log line name the operator."""

    def operated(request: Request) -> Response:
        caller = _operator(request, rule, validation(request.caller))
        try:
            response = route(replace(request, caller=caller))
        except TokenServiceError as exc:
            exc.of(caller.act)
            raise
        return replace(response, about={**response.about, **caller.act})

    return operated


def _operator(request: Request, rule: OperatorRule, deps: ValidateDeps) -> Caller:
    """The caller, as the operator that the session is of.

    Browser sessions only: their labels are read with the session, so a removed label has effect at once. Labels of an
    access token would be used until it expires. Raises NotFound where no label is set, AccessDenied, StepUpNeeded
    (RFC 9470: too long ago, or by too little, such as a remembered device).
    """
    if not rule.label:
        raise NotFound()
    operator = validate(credential_from(request, rule.allowed_origins), deps)
    claims = operator.claims
    caller = replace(request.caller, actor=f"user:{claims.sub}", actor_session=claims.sid)
    try:
        if operator.transport is not Transport.COOKIE:
            raise AccessDenied("not a browser session", "This route takes a session cookie, no access token.")
        if rule.label not in claims.labels:
            # Who is signed in may know that a label is missing; which one it is helps those alone who can give it.
            why = "The user lacks the label of operators (setting AdminLabel)."
            raise AccessDenied("not an operator", why)
        rule.requirements.check(claims, deps.clock())
    except TokenServiceError as exc:
        exc.of(caller.act)
        raise
    return caller
