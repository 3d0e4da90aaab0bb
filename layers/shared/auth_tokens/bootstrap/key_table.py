"""The table of keys, and what is known of its changes."""

from auth_tokens.adapters.mysql.key_stamp import KeyStamp
from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.bootstrap.container import Container, singleton


@singleton
def key_stamp(shared: Container) -> KeyStamp:
    """The newest state of the keys that this environment has seen."""
    return KeyStamp()


@singleton
def key_table(shared: Container) -> KeyTable:
    """Port of all that read or write keys."""
    return KeyTable(shared.database, key_stamp(shared))
