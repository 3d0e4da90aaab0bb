"""For cleanup."""

import time

from auth_tokens.adapters.mysql.created_tokens import created_tokens
from auth_tokens.adapters.mysql.purges import purges
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.portal import portal_tables
from auth_tokens.usecases.cleanup import CleanupDeps


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
