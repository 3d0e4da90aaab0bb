"""A trusted backend vouches for a new authentication in a live session (MFA done elsewhere)."""

from dataclasses import dataclass

from auth_tokens.domain.acr import may_replace
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.claims import IAT_LEEWAY_S
from auth_tokens.domain.errors import InvalidRequest, NotFound, Unavailable
from auth_tokens.domain.event_kinds import step_up_succeeded
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.usecases.end_session import SESSION_KINDS
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.presentation import MAX_RACES


@dataclass(frozen=True, slots=True)
class VouchRequest:
    """In which session who was recognised; amr, acr, auth_time: as of an IssueRequest."""

    session_id: str
    user_id: str
    amr: tuple[str, ...]
    acr: str = ""
    auth_time: int | None = None


def vouch(request: VouchRequest, caller: Caller, deps: IssueDeps) -> TokenRecord:
    """Let a session's authentication be a newer one that is no weaker, and return the session. No token is spent or
    made: the client gets the new claims by its next refresh. The same request may be repeated.

    Raises NotFound (no live session of this user), InvalidRequest (auth_time before the session's own or ahead of now,
    or acr weaker), Unavailable.
    """
    session_id = parse_uuid(request.session_id)
    for attempt in range(MAX_RACES):
        record = deps.store.load(session_id) if session_id else None
        now = deps.clock()
        is_theirs = record and record.kind in SESSION_KINDS and record.user_id == request.user_id
        if record is None or not is_theirs or not deps.policy.is_in_force(record, now):
            raise NotFound()
        how = _new_authentication(request, record, deps, now)
        event = step_up_succeeded(record, how, caller, now)
        if how.is_held_by(record) or deps.store.raise_session(record, how, event, now):
            return how.of(record)
        deps.pause(attempt)
    raise Unavailable("contention")


def _new_authentication(
    request: VouchRequest, session: TokenRecord, deps: IssueDeps, now: int
) -> Authentication:
    """What the backend states, where it may take the place of the session's. Clocks differ by IAT_LEEWAY_S at most."""
    auth_time = now if request.auth_time is None else request.auth_time
    if auth_time > now + IAT_LEEWAY_S:
        raise InvalidRequest("auth_time must not be in the future.")
    if auth_time < session.auth_time - IAT_LEEWAY_S:
        raise InvalidRequest("auth_time must not be before the session's own.")
    if not may_replace(request.acr, session.acr, deps.policy.acr_order):
        raise InvalidRequest("acr is weaker than the session's, or not in ACR_ORDER.")
    return Authentication(request.amr, request.acr, min(auth_time, now)).since(session)
