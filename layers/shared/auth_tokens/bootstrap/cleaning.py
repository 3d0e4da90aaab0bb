"""For cleanup."""

import time

from auth_tokens.adapters.mysql.created_tokens import created_tokens
from auth_tokens.adapters.mysql.cutoff_table import CutoffMarking
from auth_tokens.adapters.mysql.purges import purges
from auth_tokens.adapters.mysql.untold_revocations import UntoldRevocations
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.portal import portal_tables
from auth_tokens.usecases.cleanup import CleanupDeps
from auth_tokens.usecases.settle_revocations import SettleDeps


def cleaning(shared: Container) -> CleanupDeps:
    """Dependencies of cleanup."""
    settings, database = shared.settings, shared.database
    takes_over = portal_tables(shared).mapping.legacy_tokens is not None
    retentions = (settings.cleanup_retention_s, settings.event_retention_s)
    return CleanupDeps(
        purges=purges(database, *retentions, takes_over=takes_over),
        created_since=created_tokens(database),
        clock=shared.clock,
        sleep=time.sleep,
    )


def settling(shared: Container) -> SettleDeps:
    """Dependencies of settle_revocations."""
    database = shared.database
    return SettleDeps(UntoldRevocations(database), CutoffMarking(database), shared.clock)
