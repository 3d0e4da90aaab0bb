"""A browser that signs in again leaves its earlier session (ASVS 7.2.4). That session is read here, and ends in the
transaction that starts the new one."""

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.rotation import Repeat, Reuse, Rotate
from auth_tokens.domain.rotation_rules import rotation_rules
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import MalformedToken, TokenKind
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.reuse import revoke_reused


def replaced_session(cookie: str | None, caller: Caller, deps: IssueDeps, now: int) -> TokenRecord | None:
    """The live session of a cookie, whichever user's it is.

    None for no cookie and for a forged, expired or spent one, which do not prevent a sign-in. A reuse revokes its
    session. Raises Unavailable.
    """
    if cookie is None:
        return None
    try:
        token = deps.codec.parse(cookie, TokenKind.SESSION)
    except MalformedToken:
        return None
    record = deps.store.load(token.id)
    if record is None or record.kind is not TokenKind.SESSION:
        return None
    match rotation_rules(deps).verdict(record, token, now, caller.arrived_at):
        case Rotate() | Repeat():
            return record
        case Reuse() as reuse:
            revoke_reused(reuse, caller, deps, now)
    return None
