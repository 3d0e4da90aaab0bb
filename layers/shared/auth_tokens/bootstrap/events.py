"""Security events: written in the transaction of a change or by themselves, and read back."""

from auth_tokens.adapters.mysql.analytics.inbox import MySqlInbox
from auth_tokens.adapters.mysql.events import EventWriter, MySqlEventLog
from auth_tokens.bootstrap.ciphers import event_cipher
from auth_tokens.bootstrap.container import Container, singleton
from auth_tokens.bootstrap.keys import keys


@singleton
def event_writer(shared: Container) -> EventWriter:
    """For the transactions of others."""
    return EventWriter(keys(shared), event_cipher(shared), shared.clock_ms, shared.telemetry)


@singleton
def event_log(shared: Container) -> MySqlEventLog:
    """Events that belong to no other write, and lists of them."""
    return MySqlEventLog(shared.database, event_writer(shared), event_cipher(shared).open)


def finding_inbox(shared: Container) -> MySqlInbox:
    """Findings by rule and subject."""
    return MySqlInbox(shared.database, event_writer(shared))
