"""For migrate."""

from collections.abc import Callable
from pathlib import Path

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.migrations import migrate, migrations_in, wanted
from auth_tokens.adapters.portal_map import mapping_of
from auth_tokens.bootstrap.container import database_config
from auth_tokens.settings import load_settings

# A migration may wait for another one, and DDL on a large table takes its time.
_TIMEOUT_S = 60


def migrating(folder: Path) -> Callable[[], list[str]]:
    """Returns a call that applies the folder's pending migrations and returns their names."""
    settings = load_settings()
    config = database_config(settings, _TIMEOUT_S)
    lock, database = Database(config), Database(config)
    migrations = wanted(migrations_in(folder), mapping_of(settings.portal_map))
    return lambda: migrate(migrations, lock, database)
