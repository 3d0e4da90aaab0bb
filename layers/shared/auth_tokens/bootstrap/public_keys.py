"""What verifies access tokens, and what others verify them by."""

from auth_tokens.adapters.access_jwt.verifier import JwtVerifier, PublicKeys
from auth_tokens.bootstrap.container import Container, singleton
from auth_tokens.bootstrap.key_table import key_table, keys_version


@singleton
def public_keys(shared: Container) -> PublicKeys:
    """Cached until they are old or a change is seen."""
    return PublicKeys(key_table(shared), shared.clock, shared.settings.jwks_max_age_s, keys_version(shared))


@singleton
def published_keys(shared: Container) -> PublicKeys:
    """For discovery: each request reads the published keys, so that a withdrawal does not wait for a cache."""
    return PublicKeys(key_table(shared), shared.clock, max_age_s=0)


@singleton
def verifier(shared: Container) -> JwtVerifier:
    """Of access tokens."""
    return JwtVerifier(public_keys(shared), shared.settings.issuer, shared.settings.audience)
