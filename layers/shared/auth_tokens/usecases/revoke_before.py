"""Everything that began up to an instant ends: of all clients, of one client, or of one user."""

from dataclasses import dataclass

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.ends import RevocationScope
from auth_tokens.domain.errors import InvalidRequest, NotFound, Unavailable
from auth_tokens.domain.event_kinds import sessions_cut_off, user_revoked_before
from auth_tokens.domain.events import RevokeReason
from auth_tokens.ports.cutoffs import Cutoffs
from auth_tokens.usecases.session_deps import SessionDeps

# A refresh that read its row before the commit may have issued an access token until then. Authorizers refuse those
# issued up to domain.cutoffs.ISSUED_WITHIN_S after the decision; the rest of that is for clocks that differ.
COMMITTED_WITHIN_S = 2


@dataclass(frozen=True, slots=True)
class RevokeBeforeDeps:
    """max_staleness_s: how old what authorizers know may be."""

    sessions: SessionDeps
    cutoffs: Cutoffs
    max_staleness_s: int


@dataclass(frozen=True, slots=True)
class RevokeBeforeRequest:
    """before: what began at this instant or before ends; None: now. client_id, user_id: one of them at most; none:
    everything. note: an operator's words, kept (encrypted) with the event."""

    before: int | None
    note: str
    client_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class RevokedBefore:
    """before: what is in force now; is_changed: False where as much or more had ended already; ended: rows of a user,
    None where nobody has counted; decided_at: from then on the service's own routes refuse; authorizers_by: from then
    on all do. Instants: epoch seconds."""

    before: int
    is_changed: bool
    ended: int | None
    decided_at: int
    authorizers_by: int


def revoke_before(request: RevokeBeforeRequest, caller: Caller, deps: RevokeBeforeDeps) -> RevokedBefore:
    """End the sessions and devices that began at an instant or before.

    Of everything or of a client by one entry, however many they are: each reader of a row or of the feed compares. Of a
    user row by row, as there are few, and no token of a later session is refused with them (domain.cutoffs). A repeated
    call changes nothing, and nor does one with an earlier instant.
    Raises InvalidRequest (an instant to come, an unknown client), NotFound (as usecases.revoke_user), Unavailable.
    """
    now = deps.sessions.clock()
    before = now if request.before is None else request.before
    if before > now:
        raise InvalidRequest("before must not be in the future.")
    if request.user_id is not None:
        return _of_a_user(request.user_id, before, request.note, caller, deps)
    if request.client_id is not None and request.client_id not in deps.sessions.policy.clients:
        raise InvalidRequest("client_id is none of the configured clients.")
    return _of_clients(Cutoff(request.client_id or "", before, now), request.note, caller, deps)


def _of_clients(cutoff: Cutoff, note: str, caller: Caller, deps: RevokeBeforeDeps) -> RevokedBefore:
    stays = deps.cutoffs.decide(cutoff, sessions_cut_off(cutoff, note, caller))
    if deps.sessions.clock() - cutoff.decided_at > COMMITTED_WITHIN_S:
        raise Unavailable("the commit of a cut-off was slow")  # a repeated call notes a later decision
    in_force = stays or cutoff
    authorizers_by = in_force.decided_at + deps.max_staleness_s
    return RevokedBefore(in_force.before, stays is None, None, in_force.decided_at, authorizers_by)


def _of_a_user(user_id: str, before: int, note: str, caller: Caller, deps: RevokeBeforeDeps) -> RevokedBefore:
    store, now = deps.sessions.store, deps.sessions.clock()
    if not store.knows_user(user_id):
        raise NotFound()
    event = user_revoked_before(before, user_id, note, caller, now)
    ended = store.revoke_user(user_id, RevokeReason.ADMIN, event, RevocationScope(began_by=before))
    return RevokedBefore(before, ended > 0, ended, now, now + deps.max_staleness_s)
