"""Data keys: what KMS unwraps, and what is made of it."""

from auth_tokens.adapters.kms.client import KmsClient, kms_client
from auth_tokens.adapters.kms.keyring import KeyRing
from auth_tokens.adapters.kms.wrapper import KmsKeyWrapper
from auth_tokens.bootstrap.container import Container, singleton
from auth_tokens.bootstrap.key_table import key_table, keys_version
from auth_tokens.domain.tokens import TokenCodec


@singleton
def kms(shared: Container) -> KmsClient:
    """Connects at its first call."""
    return KmsClient(kms_client)


@singleton
def wrapper(shared: Container) -> KmsKeyWrapper:
    """Wraps and unwraps keys by the service's KMS key."""
    return KmsKeyWrapper(shared.settings.kms_key_id, kms(shared))


@singleton
def keys(shared: Container) -> KeyRing:
    """The unwrapped data keys."""
    return KeyRing(
        key_table(shared),
        wrapper(shared),
        shared.clock_of_caches,
        shared.telemetry,
        max_age_s=shared.settings.key_max_age_s,
        may_create=shared.may_create_keys,
        version=keys_version(shared),
    )


@singleton
def codec(shared: Container) -> TokenCodec:
    """Of opaque tokens."""
    return TokenCodec(keys(shared).chain_keys)
