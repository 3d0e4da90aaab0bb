"""Signing of access tokens by a private key in memory or by KMS; the row in state `signing` decides."""

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_der_private_key

from auth_tokens.adapters.access_jwt.algorithms import ALGORITHMS, key_from
from auth_tokens.adapters.access_jwt.kms_keys import KmsSigningKeys
from auth_tokens.adapters.access_jwt.signing_keys import NoSigningKeys, SigningKeyMaker
from auth_tokens.adapters.kms.unwrapped_keys import UnwrappedKeyCache
from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.adapters.mysql.keys_version import KeysRead, KeysVersion
from auth_tokens.domain.base64url import to_base64url
from auth_tokens.domain.claims import MAX_TOKEN_LENGTH
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.key_steps import first_steps
from auth_tokens.domain.keys import SIGNER_MAX_AGE_S, KeyState, Purpose, StoredKey
from auth_tokens.ports.clock import Clock

TOKEN_TYPE = "at+jwt"


class TokenTooLong(Exception):
    """A token is longer than our own verifiers take: the issuer, the audience and the scope are too long together."""


class AccessTokenSigner:
    """Port ports.keys.Signer. held: private keys, as private_key makes them; version: shows a change of
    keys, so that no token has a `kid` that was just withdrawn."""

    def __init__(
        self,
        table: KeyTable,
        held: UnwrappedKeyCache[Any],
        kms: KmsSigningKeys,
        maker: SigningKeyMaker | NoSigningKeys,
        clock: Clock,
        version: KeysVersion | None = None,
    ) -> None:
        self._table = table
        self._held = held
        self._kms = kms
        self._maker = maker
        self._clock = clock
        self._row: StoredKey | None = None
        self._read = KeysRead(version)
        self._proven_kid = ""

    def sign(self, claims: Mapping[str, Any], typ: str = TOKEN_TYPE) -> str:
        row = self._current()
        signing_input = f"{_header(row.algorithm, typ, row.kid)}.{_segment(claims)}".encode()
        signature = self._signature(row, signing_input)
        if row.kid != self._proven_kid:
            _prove(row, signing_input, signature)
            self._proven_kid = row.kid
        token = f"{signing_input.decode()}.{to_base64url(signature)}"
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenTooLong(f"{len(token)} characters, {MAX_TOKEN_LENGTH} are taken")
        return token

    def _signature(self, row: StoredKey, signing_input: bytes) -> bytes:
        if row.wrapped_key is None:
            return self._kms.sign(row, signing_input)
        signature: bytes = ALGORITHMS[row.algorithm].sign(signing_input, self._held.get(row))
        return signature

    def _current(self) -> StoredKey:
        now = self._clock()
        if self._row is None or not self._read.is_fresh(now, SIGNER_MAX_AGE_S):
            row = self._signing_row(now)
            if self._row and row.kid != self._row.kid:
                self._held.clear()  # perhaps withdrawn, so it must leave the memory
            self._row = row
            self._read.done(now)
        return self._row

    def _signing_row(self, now: int) -> StoredKey:
        rows = self._signing_rows()
        if not rows:
            for key in self._first_keys(now):
                self._table.insert(key)
            rows = self._signing_rows()
        current = [row for row in rows if row.state is KeyState.SIGNING]
        if not current:
            raise Unavailable("no key in state signing")
        return current[-1]

    def _first_keys(self, now: int) -> list[StoredKey]:
        """The signing key and the standby key; both are made before either is stored. KMS may have only one."""
        keys: list[StoredKey] = []
        for step in first_steps(Purpose.SIGNING):
            taken = {key.kid for key in keys}
            keys += islice((key for key in self._maker.candidates(step, now) if key.kid not in taken), 1)
        return keys

    def _signing_rows(self) -> list[StoredKey]:
        return [row for row in self._table.all() if row.purpose is Purpose.SIGNING]


def private_key(row: StoredKey, der: bytes) -> Any:
    """The private key of a row from its plain material (PKCS #8)."""
    return load_der_private_key(der, password=None)


def _prove(row: StoredKey, signing_input: bytes, signature: bytes) -> None:
    """Verifies an environment's first signature by a key, so that key, algorithm and public JWK are known to agree."""
    assert row.public_jwk is not None
    if not ALGORITHMS[row.algorithm].verify(signing_input, key_from(row.public_jwk), signature):
        raise jwt.exceptions.InvalidSignatureError(f"key {row.kid} does not sign as its public half says")


@lru_cache(maxsize=8)
def _header(algorithm: str, typ: str, kid: str) -> str:
    return _segment({"alg": algorithm, "typ": typ, "kid": kid})


_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _segment(members: Mapping[str, Any]) -> str:
    return to_base64url(_to_json(members).encode())
