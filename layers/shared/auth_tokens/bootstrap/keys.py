"""Data keys: what KMS unwraps, and what is made of it."""

from auth_tokens.adapters.kms.client import KmsClient, kms_client
from auth_tokens.adapters.kms.keyring import KeyRing
from auth_tokens.adapters.kms.wrapper import KmsKeyWrapper
from auth_tokens.bootstrap.key_table import key_stamp, key_table
from auth_tokens.bootstrap.parts import Parts, part
from auth_tokens.domain.tokens import TokenCodec


@part
def kms(shared: Parts) -> KmsClient:
    """Connects at its first call."""
    return KmsClient(kms_client)


@part
def wrapper(shared: Parts) -> KmsKeyWrapper:
    """Wraps and unwraps keys by the service's KMS key."""
    return KmsKeyWrapper(shared.settings.kms_key_id, kms(shared))


@part
def keys(shared: Parts) -> KeyRing:
    """The unwrapped data keys."""
    return KeyRing(
        key_table(shared),
        wrapper(shared),
        shared.clock,
        shared.telemetry,
        max_age_s=shared.settings.key_max_age_s,
        may_create=shared.may_create_keys,
        stamp=key_stamp(shared),
    )


@part
def codec(shared: Parts) -> TokenCodec:
    """Of opaque tokens."""
    return TokenCodec(keys(shared).chain_keys)
