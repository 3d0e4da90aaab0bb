"""All builders of the composition root under one name, and the singletons of an environment as its members: a test
wires what no single function has."""

from auth_tokens.bootstrap import ciphers, container, events, key_table, limits
from auth_tokens.bootstrap import keys as data_keys
from auth_tokens.bootstrap import public_keys as verifying
from auth_tokens.bootstrap import store as stores
from auth_tokens.bootstrap.analysing import analysing
from auth_tokens.bootstrap.authorizing import authorizing
from auth_tokens.bootstrap.cleaning import cleaning, settling
from auth_tokens.bootstrap.container import BATCH_TIMEOUT_S, database_config
from auth_tokens.bootstrap.cutting_off import cutting_off
from auth_tokens.bootstrap.issuing import issuing
from auth_tokens.bootstrap.listing_events import listing_events
from auth_tokens.bootstrap.rotating import rotating
from auth_tokens.bootstrap.sessions import sessions
from auth_tokens.bootstrap.summarising import summarising
from auth_tokens.bootstrap.taking_over import ending_legacy, taking_over
from auth_tokens.bootstrap.telemetry import SERVICE

__all__ = [
    "BATCH_TIMEOUT_S",
    "SERVICE",
    "Container",
    "analysing",
    "authorizing",
    "cleaning",
    "cutting_off",
    "database_config",
    "ending_legacy",
    "issuing",
    "listing_events",
    "rotating",
    "sessions",
    "settling",
    "summarising",
    "taking_over",
]


class Container(container.Container):
    """An execution environment whose singletons a test can read."""

    keys_version = property(key_table.keys_version)
    table = property(key_table.key_table)
    public_keys = property(verifying.public_keys)
    published_keys = property(verifying.published_keys)
    verifier = property(verifying.verifier)
    kms = property(data_keys.kms)
    wrapper = property(data_keys.wrapper)
    keys = property(data_keys.keys)
    codec = property(data_keys.codec)
    cipher = property(ciphers.metadata_cipher)
    event_log = property(events.event_log)
    event_writer = property(events.event_writer)
    limiter = property(limits.limiter)
    store = property(stores.store)
