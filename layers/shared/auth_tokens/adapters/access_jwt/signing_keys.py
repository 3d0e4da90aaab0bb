"""New signing keys: pairs made in memory whose private half KMS wraps, or keys that never leave KMS."""

from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from auth_tokens.adapters.access_jwt.algorithms import public_jwk
from auth_tokens.adapters.access_jwt.kms_keys import KmsSigningKeys
from auth_tokens.adapters.kms.wrapper import KeyWrapper, context_of
from auth_tokens.domain.key_steps import Add
from auth_tokens.domain.keys import KeyState, Purpose, StoredKey


class SigningKeyMaker:
    """kms: the configured KMS keys; none where private keys are wrapped."""

    def __init__(self, wrapper: KeyWrapper, kms: KmsSigningKeys, algorithm: str) -> None:
        self._wrapper = wrapper
        self._kms = kms
        self._algorithm = algorithm

    def candidates(self, step: Add, now: int) -> Iterator[StoredKey]:
        """Candidates for a step; the first whose kid is not taken is used. Raises Unavailable, KmsKeyMismatch.

        A KMS key is used once. If it is withdrawn without a next one, a wrapped key signs until another KMS key is
        configured, so that users stay signed in.
        """
        for jwk in self._kms.jwks(self._algorithm):
            yield self._row(jwk, None, step, now)
        if not self._kms.is_configured or step.state is KeyState.SIGNING:
            yield self._wrapped(step, now)

    def _wrapped(self, step: Add, now: int) -> StoredKey:
        private_key = _generated(self._algorithm)
        jwk = public_jwk(private_key.public_key(), self._algorithm)
        der = private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        wrapped = self._wrapper.wrap(der, context_of(jwk["kid"], Purpose.SIGNING))
        return self._row(jwk, wrapped, step, now)

    def _row(self, jwk: dict[str, str], wrapped: bytes | None, step: Add, now: int) -> StoredKey:
        return StoredKey(jwk["kid"], step.purpose, step.epoch, step.state, self._algorithm, wrapped, jwk, now)


class NoSigningKeys:
    """In place of SigningKeyMaker where IAM lets a function wrap no keys."""

    def candidates(self, step: Add, now: int) -> Iterator[StoredKey]:
        """None, so that the caller is Unavailable until another function has made the first."""
        return iter(())


def _generated(algorithm: str) -> Any:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=3072)
