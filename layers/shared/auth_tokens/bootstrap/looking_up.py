"""For the operators' look-up."""

from auth_tokens.adapters.mysql.live_counts import live_counts
from auth_tokens.adapters.mysql.portal import MySqlPortal
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.key_table import keys_version
from auth_tokens.bootstrap.portal import portal_tables
from auth_tokens.usecases.look_up import LookUpDeps
from auth_tokens.usecases.session_deps import SessionDeps


def looking_up(shared: Container, sessions: SessionDeps) -> LookUpDeps:
    """Dependencies of the look-up."""
    portal = MySqlPortal(shared.database, keys_version(shared), portal_tables(shared))
    return LookUpDeps(sessions, portal, live_counts(shared.database))
