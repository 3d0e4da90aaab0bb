"""The rows of sessions and devices."""

from auth_tokens.adapters.mysql.tokens import MySqlTokenStore
from auth_tokens.bootstrap.container import Container, singleton
from auth_tokens.bootstrap.events import event_writer
from auth_tokens.bootstrap.key_table import keys_version
from auth_tokens.bootstrap.portal import portal_tables


@singleton
def store(shared: Container) -> MySqlTokenStore:
    """Writes each change with its events."""
    return MySqlTokenStore(shared.database, event_writer(shared), keys_version(shared), portal_tables(shared))
