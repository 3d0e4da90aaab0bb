"""A user logs out: here, everywhere else, or everywhere."""

from enum import Enum

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.ends import Cause, RevocationScope
from auth_tokens.domain.event_kinds import logged_out
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.tokens import MalformedToken, TokenKind
from auth_tokens.usecases.revoke import end_row
from auth_tokens.usecases.session_deps import SessionDeps


class LogoutScope(Enum):
    """What ends: this session; all other sessions and devices; or all of them."""

    CURRENT = "current"
    OTHERS = "others"
    ALL = "all"


def logout(
    scope: LogoutScope, claims: AccessClaims, caller: Caller, deps: SessionDeps, *, keep_devices: bool = False
) -> int:
    """End the caller's sessions; committed when this returns. Returns how many rows ended. Raises Unavailable.

    keep_devices: sessions alone end, and remembered devices stay able to sign in. This session's own device stays
    with CURRENT and OTHERS in any case; sign-ins that are running are stopped by the other two.
    """
    session_id = claims.session_id
    devices = "kept" if keep_devices else "ended"
    devices_ended = "" if scope is LogoutScope.CURRENT else devices
    event = logged_out(claims, scope.value, caller, deps.clock(), devices_ended)
    if scope is LogoutScope.CURRENT:
        return int(deps.store.revoke(session_id, RevokeReason.LOGOUT, event))
    extent = RevocationScope(keep_devices=keep_devices)
    if scope is LogoutScope.OTHERS:
        extent = RevocationScope(
            keep_devices=keep_devices, keep_session=session_id, keep_device=parse_uuid(claims.device_id)
        )
    return deps.store.revoke_user(claims.sub, RevokeReason.LOGOUT, event, extent)


def log_out_spent(cookie: str, caller: Caller, deps: SessionDeps) -> None:
    """End the live session of a spent cookie, which another tab may have rotated: its tag proves that it is ours, and
    its holder wants to be signed out. An expired or forged cookie ends nothing. Raises Unavailable."""
    try:
        token = deps.codec.parse(cookie, TokenKind.SESSION)
    except MalformedToken:
        return
    record = deps.store.load(token.id)
    if record is not None and record.kind is TokenKind.SESSION and record.is_live(deps.clock()):
        end_row(record, Cause(RevokeReason.LOGOUT), caller, deps)
