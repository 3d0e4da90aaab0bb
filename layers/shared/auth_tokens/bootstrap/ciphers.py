"""Encryption at rest, one cipher a column."""

from auth_tokens.adapters.kms.cipher import RowCipher
from auth_tokens.bootstrap.container import Container, singleton
from auth_tokens.bootstrap.keys import keys


@singleton
def metadata_cipher(shared: Container) -> RowCipher:
    """Of sessions and devices."""
    return RowCipher("auth_user_tokens.metadata", keys(shared), shared.telemetry)


@singleton
def event_cipher(shared: Container) -> RowCipher:
    """Of what events say."""
    return RowCipher("auth_token_events.detail", keys(shared), shared.telemetry)
