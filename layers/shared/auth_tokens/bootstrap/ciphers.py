"""Encryption at rest, one cipher a column."""

from auth_tokens.adapters.kms.cipher import RowCipher
from auth_tokens.bootstrap.keys import keys
from auth_tokens.bootstrap.parts import Parts, part


@part
def metadata_cipher(shared: Parts) -> RowCipher:
    """Of sessions and devices."""
    return RowCipher("auth_user_tokens.metadata", keys(shared), shared.telemetry)


@part
def event_cipher(shared: Parts) -> RowCipher:
    """Of what events say."""
    return RowCipher("auth_token_events.detail", keys(shared), shared.telemetry)
