"""For cleanup."""

import time

from auth_tokens.adapters.mysql.created_tokens import created_tokens
from auth_tokens.adapters.mysql.purges import purges
from auth_tokens.bootstrap.container import Container
from auth_tokens.usecases.cleanup import CleanupDeps


def cleaning(shared: Container) -> CleanupDeps:
    """Dependencies of cleanup."""
    settings, database = shared.settings, shared.database
    return CleanupDeps(
        purges=purges(database, settings.cleanup_retention_s, settings.event_retention_s),
        created_since=created_tokens(database),
        clock=shared.clock,
        sleep=time.sleep,
    )
