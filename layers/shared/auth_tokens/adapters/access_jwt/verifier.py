"""Verification: strict form first, then the signature by the key that `kid` names, then the claims.

PyJWT's algorithms only check the signature over what was parsed here. Its own parser accepts too much (other spellings
of base64url, duplicate members, headers that supply or locate a key: RFC 8725 §3), two parsers might read one token
in two ways, and the second one costs a third of the time.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import jwt

from auth_tokens.adapters.access_jwt.algorithms import ALGORITHMS, key_from
from auth_tokens.adapters.access_jwt.jws import COMPACT, decoded_segment, parsed_object
from auth_tokens.adapters.lru import Lru
from auth_tokens.adapters.mysql.keys_version import KeysRead, KeysVersion
from auth_tokens.domain.ages import is_within
from auth_tokens.domain.claims import MAX_TOKEN_LENGTH, AccessClaims, check_claims
from auth_tokens.domain.errors import EXPIRED, InvalidAccessToken, Unavailable

if TYPE_CHECKING:  # types alone, and the authorizer's every start would pay for them
    from collections.abc import Collection

    from auth_tokens.domain.keys import PublicKeyRow
    from auth_tokens.ports.clock import Clock

MAX_REMEMBERED = 10_000
# An unknown `kid` triggers one read of the table, then no unknown `kid` triggers a read for this long.
PENALTY_S = 30
# While the store is down, not every request should wait for a connection attempt.
RETRY_INTERVAL_S = 1

# Of the headers of our tokens: one a key and type.
_HEADERS = 32
_HEADER_MEMBERS = frozenset({"alg", "typ", "kid"})
_TYPES = frozenset({"at+jwt", "application/at+jwt"})


class PublicKeyTable(Protocol):
    def public(self) -> list[PublicKeyRow]:
        """The published keys, oldest first. Raises Unavailable."""


class KeysByKid(Protocol):
    def find(self, kid: str) -> tuple[str, Any] | None:
        """(algorithm, key) of a `kid`; None where there is no such key. Raises Unavailable."""


class PublicKeys:
    """The published keys, as last read; a failed read keeps the last good set.

    max_age_s: 0 where each call must see the current keys; version: shows a change of keys before that age.
    """

    def __init__(
        self, table: PublicKeyTable, clock: Clock, max_age_s: int, version: KeysVersion | None = None
    ) -> None:
        self._table = table
        self._clock = clock
        self._max_age_s = max_age_s
        self._keys: dict[str, tuple[str, Any]] = {}
        self._jwks: list[dict[str, str]] = []
        self._read = KeysRead(version)
        self._failed_at: int | None = None

    def find(self, kid: str) -> tuple[str, Any] | None:
        """(algorithm, key) of a `kid`; None where there is no such key. Raises Unavailable before the first read."""
        self._refresh(self._max_age_s if kid in self._keys else PENALTY_S)
        return self._keys.get(kid)

    def jwks(self) -> list[dict[str, str]]:
        """The published JWKs, oldest first (RFC 7517 §5)."""
        # An empty set, before the first key is made, is not cached.
        self._refresh(self._max_age_s if self._jwks else 0)
        return self._jwks

    def _refresh(self, max_age_s: int) -> None:
        now = self._clock()
        if self._read.is_fresh(now, max_age_s) or is_within(now, self._failed_at, RETRY_INTERVAL_S):
            return
        try:
            rows = self._table.public()
        except Unavailable:
            if self._read.at is None:
                raise
            rows, self._failed_at = None, self._clock()
        # A failed read counts as one: with the store down, not every token should wait for it.
        self._read.done(now)
        if rows is not None:
            keys = {row.kid: (row, key_of(row)) for row in rows}
            self._jwks = [row.jwk for row, key in keys.values() if key]
            self._keys = {kid: (row.algorithm, key) for kid, (row, key) in keys.items() if key}


class JwtVerifier:
    """Port ports.keys.Verifier. Caches verified tokens by their SHA-256, so no bearer token stays in memory."""

    def __init__(self, keys: KeysByKid, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._remembered: Lru[bytes, tuple[str, AccessClaims]] = Lru(MAX_REMEMBERED)

    def verify(self, token: str, now: int) -> AccessClaims:
        fingerprint = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        remembered = self._remembered.get(fingerprint)
        if remembered is None:
            remembered = self._verified(token, now)
            self._remembered.put(fingerprint, remembered)
        kid, claims = remembered
        if now >= claims.exp:
            self._remembered.forget(fingerprint)
            raise InvalidAccessToken("exp", EXPIRED)
        if self._keys.find(kid) is None:  # withdrawn since
            raise InvalidAccessToken("kid")
        return claims

    def _verified(self, token: str, now: int) -> tuple[str, AccessClaims]:
        kid, payload = open_token(token, _TYPES, self._keys)
        return kid, check_claims(payload, issuer=self._issuer, audience=self._audience, now=now)


def open_token(token: str, types: Collection[str], keys: KeysByKid) -> tuple[str, dict[str, Any]]:
    """(kid, payload) of a token in strict form whose signature is good. types: accepted `typ`s, in lower case.

    Raises InvalidAccessToken, Unavailable.
    """
    if len(token) > MAX_TOKEN_LENGTH or not COMPACT.fullmatch(token):
        raise InvalidAccessToken("form")
    head, payload_segment, signature_segment = token.split(".")
    payload, signature = decoded_segment(payload_segment), decoded_segment(signature_segment)
    header = _header(head)
    if header.typ not in types:
        raise InvalidAccessToken("typ")
    found = keys.find(header.kid)
    if found is None or found[0] != header.alg:
        raise InvalidAccessToken("kid")
    signed = token[: -len(signature_segment) - 1].encode()
    algorithm, key = found
    if not ALGORITHMS[algorithm].verify(signed, key, signature):
        raise InvalidAccessToken("signature")
    return header.kid, parsed_object(payload)


def key_of(row: PublicKeyRow) -> Any:
    """The key of a row; None for a malformed row, which must not make the others unusable."""
    try:
        return key_from(row.jwk) if row.jwk["alg"] == row.algorithm else None
    except (jwt.exceptions.InvalidKeyError, KeyError, ValueError):
        return None


class _Header(NamedTuple):
    """typ: in lower case."""

    alg: str
    typ: str
    kid: str


@lru_cache(maxsize=_HEADERS)
def _header(segment: str) -> _Header:
    """A token's header, with our three members and no other. All tokens of a key have the same. Raises
    InvalidAccessToken, which is not remembered."""
    header = parsed_object(decoded_segment(segment))
    if header.keys() != _HEADER_MEMBERS or not all(isinstance(v, str) for v in header.values()):
        raise InvalidAccessToken("header")
    return _Header(header["alg"], header["typ"].lower(), header["kid"])
