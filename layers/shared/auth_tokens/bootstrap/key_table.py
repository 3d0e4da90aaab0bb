"""The table of keys, and what is known of its changes."""

from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.adapters.mysql.keys_version import KeysVersion
from auth_tokens.bootstrap.container import Container, singleton


@singleton
def keys_version(shared: Container) -> KeysVersion:
    """The newest state of the keys that this environment has seen."""
    return KeysVersion()


@singleton
def key_table(shared: Container) -> KeyTable:
    """Port of all that read or write keys."""
    return KeyTable(shared.database, keys_version(shared))
