"""The table of keys, and what is known of its changes."""

from auth_tokens.adapters.mysql.key_stamp import KeyStamp
from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.bootstrap.parts import Parts, part


@part
def key_stamp(shared: Parts) -> KeyStamp:
    """The newest state of the keys that this environment has seen."""
    return KeyStamp()


@part
def key_table(shared: Parts) -> KeyTable:
    """Port of all that read or write keys."""
    return KeyTable(shared.database, key_stamp(shared))
