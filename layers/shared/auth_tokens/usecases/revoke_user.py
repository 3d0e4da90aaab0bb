"""Everything of a user ends: by an operator, or because the Portal says so."""

from auth_tokens.domain.caller import NO_CALLER, Caller
from auth_tokens.domain.ends import RevocationScope, UserChange
from auth_tokens.domain.errors import NotFound
from auth_tokens.domain.event_kinds import user_revoked, user_revoked_to
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.usecases.end_session import SESSION_KINDS
from auth_tokens.usecases.session_deps import SessionDeps


def revoke_user(
    user_id: str, reason: RevokeReason, note: str, deps: SessionDeps, caller: Caller = NO_CALLER
) -> int:
    """End every session and device of a user in one transaction; returns how many rows ended. Idempotent.

    note: an operator's words, kept (encrypted) with the event. Raises NotFound for a user whom the Portal does not
    know and of whom nothing is here: a deleted user's sessions can be ended, and a mistyped id is reported.
    """
    if not deps.store.knows_user(user_id):
        raise NotFound()
    event = user_revoked(user_id, reason, note, caller, deps.clock())
    return deps.store.revoke_user(user_id, reason, event)


def end_what_began_before(change: UserChange, deps: SessionDeps, caller: Caller = NO_CALLER) -> int:
    """End the sessions and devices of a user that began at the change or before; returns how many rows ended.

    However late and often the event arrives, the result is that of an event that arrived at once. A session that is to
    stay is ignored where it is not the user's or was over by then. An unknown user is no error.
    """
    now = deps.clock()
    kept = _kept(change.keep, change, deps) if change.keep else None
    extent = RevocationScope(began_by=change.at)
    if kept is not None:
        extent = RevocationScope(began_by=change.at, keep_session=kept.id, keep_device=kept.device_id)
    event = user_revoked_to(extent, change.user_id, change.reason, caller, now)
    return deps.store.revoke_user(change.user_id, change.reason, event, extent)


def _kept(session_id: bytes, change: UserChange, deps: SessionDeps) -> TokenRecord | None:
    """What has ended since may be named, too: its device was to stay."""
    record = deps.store.load(session_id)
    if record is None or record.kind not in SESSION_KINDS or record.user_id != change.user_id:
        return None
    was_revoked = record.revoked_at is not None and record.revoked_at <= change.at
    return None if was_revoked or record.expires_at <= change.at else record
