"""Signing: the key pair is made in memory, the private half is stored only as KMS wrapped it."""

from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from auth_tokens.adapters.access_jwt.algorithms import public_jwk
from auth_tokens.adapters.kms.wrapper import KeyWrapper
from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.keys import KeyState, Purpose, StoredKey
from auth_tokens.usecases.ports import Clock

# How long a signer goes on with the key it has: `rotate_keys` waits for longer than this
# before a key that is no longer signing goes.
MAX_AGE_S = 300
TOKEN_TYPE = "at+jwt"


class LocalSigner:
    """Port usecases.ports.Signer with the wrapped key in state `signing`."""

    def __init__(self, table: KeyTable, wrapper: KeyWrapper, clock: Clock, algorithm: str) -> None:
        self._table = table
        self._wrapper = wrapper
        self._clock = clock
        self._algorithm = algorithm
        self._key: tuple[StoredKey, Any] | None = None
        self._looked_at = 0

    def sign(self, claims: Mapping[str, Any]) -> str:
        row, private_key = self._current()
        headers = {"typ": TOKEN_TYPE, "kid": row.kid}
        return jwt.encode(dict(claims), private_key, algorithm=row.algorithm, headers=headers)

    def _current(self) -> tuple[StoredKey, Any]:
        now = self._clock()
        if self._key is None or now - self._looked_at >= MAX_AGE_S:
            row = self._signing_row(now)
            if self._key is None or self._key[0].kid != row.kid:
                self._key = (row, self._unwrapped(row))
            self._looked_at = now
        return self._key

    def _signing_row(self, now: int) -> StoredKey:
        rows = signing_rows(self._table)
        if not rows:
            self._table.insert(new_signing_key(self._algorithm, 1, KeyState.SIGNING, self._wrapper, now))
            rows = signing_rows(self._table)
        current = [row for row in rows if row.state is KeyState.SIGNING]
        if not current:
            raise Unavailable("no key in state signing")
        return current[-1]

    def _unwrapped(self, row: StoredKey) -> Any:
        assert row.wrapped_key is not None
        der = self._wrapper.unwrap(row.wrapped_key, _context(row.kid))
        return load_der_private_key(der, password=None)


def signing_rows(table: KeyTable) -> list[StoredKey]:
    """The signing keys that are not gone, oldest first."""
    return [row for row in table.all() if row.purpose is Purpose.SIGNING]


def new_signing_key(algorithm: str, epoch: int, state: KeyState, wrapper: KeyWrapper, now: int) -> StoredKey:
    """A fresh key pair, its private half wrapped by KMS. Raises Unavailable."""
    private_key = _generated(algorithm)
    jwk = public_jwk(private_key.public_key(), algorithm)
    der = private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    wrapped = wrapper.wrap(der, _context(jwk["kid"]))
    return StoredKey(jwk["kid"], Purpose.SIGNING, epoch, state, algorithm, wrapped, jwk, now)


def _generated(algorithm: str) -> Any:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=3072)


def _context(kid: str) -> dict[str, str]:
    return {"purpose": Purpose.SIGNING.value, "kid": kid}
