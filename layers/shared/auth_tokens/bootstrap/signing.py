"""What signs access tokens, and what makes its keys."""

from auth_tokens.adapters.access_jwt.kms_keys import KmsSigningKeys
from auth_tokens.adapters.access_jwt.signer import AccessTokenSigner, private_key
from auth_tokens.adapters.access_jwt.signing_keys import NoSigningKeys, SigningKeyMaker
from auth_tokens.adapters.kms.unwrapped_keys import UnwrappedKeyCache
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.key_table import key_table, keys_version
from auth_tokens.bootstrap.keys import kms, wrapper


def kms_signing_keys(shared: Container) -> KmsSigningKeys:
    """The asymmetric keys of KMS that sign; none unless the settings say so."""
    settings = shared.settings
    return KmsSigningKeys(kms(shared), settings.signing_kms_key_ids if settings.signing_mode == "kms" else ())


def signing_key_maker(shared: Container, kms_keys: KmsSigningKeys) -> SigningKeyMaker:
    """Makes the next signing key."""
    return SigningKeyMaker(wrapper(shared), kms_keys, shared.settings.signing_algorithm)


def signer(shared: Container) -> AccessTokenSigner:
    """Signs by the current key; may make the first ones where IAM lets the function wrap keys."""
    max_age_s = shared.settings.key_max_age_s
    clock = shared.clock_of_caches
    held = UnwrappedKeyCache(wrapper(shared), clock, shared.telemetry, max_age_s, private_key)
    kms_keys = kms_signing_keys(shared)
    maker = signing_key_maker(shared, kms_keys) if shared.may_create_keys else NoSigningKeys()
    return AccessTokenSigner(key_table(shared), held, kms_keys, maker, clock, keys_version(shared))
