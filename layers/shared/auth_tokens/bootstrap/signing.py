"""What signs access tokens, and what makes its keys."""

from auth_tokens.adapters.access_jwt.kms_keys import KmsSigningKeys
from auth_tokens.adapters.access_jwt.signing_keys import SigningKeyMaker
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.keys import kms, wrapper


def kms_signing_keys(shared: Container) -> KmsSigningKeys:
    """The asymmetric keys of KMS that sign; none unless the settings say so."""
    settings = shared.settings
    return KmsSigningKeys(kms(shared), settings.signing_kms_key_ids if settings.signing_mode == "kms" else ())


def signing_key_maker(shared: Container, kms_keys: KmsSigningKeys) -> SigningKeyMaker:
    """Makes the next signing key."""
    return SigningKeyMaker(wrapper(shared), kms_keys, shared.settings.signing_algorithm)
