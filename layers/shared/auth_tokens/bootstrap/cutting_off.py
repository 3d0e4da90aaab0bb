"""For the route that ends everything before an instant."""

from auth_tokens.adapters.mysql.cutoff_table import CutoffTable
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.events import event_writer
from auth_tokens.usecases.revoke_before import RevokeBeforeDeps
from auth_tokens.usecases.session_deps import SessionDeps


def cutting_off(shared: Container, sessions: SessionDeps) -> RevokeBeforeDeps:
    """Dependencies of revoke_before."""
    cutoffs = CutoffTable(shared.database, event_writer(shared))
    return RevokeBeforeDeps(sessions, cutoffs, shared.settings.revocation_max_staleness_s)
