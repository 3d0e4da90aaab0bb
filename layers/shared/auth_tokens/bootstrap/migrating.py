"""For migrate."""

from collections.abc import Callable
from pathlib import Path

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.migrations import migrate, migrations_in
from auth_tokens.bootstrap.container import database_config
from auth_tokens.settings import load_settings

# A migration may wait for another one, and DDL on a large table takes its time.
_TIMEOUT_S = 60


def migrating(folder: Path) -> Callable[[], list[str]]:
    """Returns a call that applies the folder's pending migrations and returns their names."""
    config = database_config(load_settings(), _TIMEOUT_S)
    lock, database = Database(config), Database(config)
    return lambda: migrate(migrations_in(folder), lock, database)
