"""Opaque tokens: their wire form, and the chain in which each derives the next.

    text = prefix + base64url(version | epoch | id | generation | secret | tag | crc32)
    bytes:             1      |   2   | 16 |     4      |   32   | 16  |   4     = 75

75 bytes are exactly 100 base64url characters: no padding, no spare bits, so a token has one
spelling. The CRC (over prefix and payload) lets a secret scanner confirm a leak offline; the
tag lets the service refuse garbage without a database call. docs/reference/tokens.md has test vectors.
"""

import hmac
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256

from auth_tokens.domain.base64url import from_base64url, to_base64url

VERSION = 1
SECRET_BYTES = 32
TEXT_LENGTH = 107
MAX_GENERATION = 2**32 - 1

_BODY = struct.Struct(">BH16sI32s")  # version, epoch, id, generation, secret
_TAG_BYTES = 16
_CHECKSUM_BYTES = 4
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{100}", re.ASCII)


class TokenKind(Enum):
    """The four kinds; the value is what column `type` holds."""

    ACCESS = "access"
    REFRESH = "refresh"
    DEVICE = "device"
    SESSION = "session"


PREFIXES = {
    TokenKind.REFRESH: "aut_rt_",
    TokenKind.DEVICE: "aut_dt_",
    TokenKind.SESSION: "aut_st_",
}
_KIND_BY_PREFIX = {prefix: kind for kind, prefix in PREFIXES.items()}


class MalformedToken(ValueError):
    """Not a token of ours: wrong shape, checksum, kind, epoch or tag. Costs no I/O to find out."""


@dataclass(frozen=True, slots=True)
class ChainKeys:
    """The three keys of one epoch, all derived from one wrapped data key."""

    epoch: int
    chain: bytes = field(repr=False)
    store: bytes = field(repr=False)
    tag: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpaqueToken:
    """A parsed token. `id`: of its row; `secret` leaves memory only within the token's text."""

    kind: TokenKind
    epoch: int
    id: bytes
    generation: int
    secret: bytes = field(repr=False)


def is_csrf_token(given: str | None, expected: str) -> bool:
    """Is this the X-CSRF-Token of the browser session? Compared in constant time."""
    return hmac.compare_digest(expected.encode(), (given or "").encode(errors="replace"))


def kind_of(text: str) -> TokenKind | None:
    """The kind that a presented text claims by its prefix, unproven."""
    return _KIND_BY_PREFIX.get(text[:7])


def unproven(text: str) -> OpaqueToken:
    """The token that a text claims to be, its checksum checked and its tag not: for people who look at one.

    Raises MalformedToken.
    """
    kind = kind_of(text)
    if kind is None:
        raise MalformedToken("prefix")
    return _token(_unpacked(text, kind), kind)


class TokenCodec:
    """Writes, reads, hashes and derives opaque tokens under the keys of their epoch.

    keys_of: epoch → its keys, or None where that epoch is unknown or gone.
    """

    def __init__(self, keys_of: Callable[[int], ChainKeys | None]) -> None:
        self._keys_of = keys_of

    def has_epoch(self, epoch: int) -> bool:
        """Are there keys of this epoch? False where it was withdrawn after a token of it was parsed."""
        return self._keys_of(epoch) is not None

    def encode(self, token: OpaqueToken) -> str:
        """The text that a client holds."""
        prefix = PREFIXES[token.kind]
        body = _BODY.pack(VERSION, token.epoch, token.id, token.generation, token.secret)
        payload = body + _tag(token.kind, body, self._keys(token.epoch))
        checksum = zlib.crc32(prefix.encode() + payload).to_bytes(_CHECKSUM_BYTES, "big")
        return prefix + to_base64url(payload + checksum)

    def parse(self, text: str, kind: TokenKind) -> OpaqueToken:
        """The token in a presented text, if this service made it and it is of this kind.

        Raises MalformedToken. The checks run cheapest first and need no I/O once the
        keys are in memory; the tag is compared in constant time.
        """
        raw = _unpacked(text, kind)
        token = _token(raw, kind)
        body, tag = raw[: _BODY.size], raw[_BODY.size : -_CHECKSUM_BYTES]
        if not hmac.compare_digest(tag, _tag(kind, body, self._keys(token.epoch))):
            raise MalformedToken("tag")
        return token

    def store_hash(self, token: OpaqueToken) -> bytes:
        """What the database keeps of a token: useless without the key of its epoch."""
        message = token.id + token.generation.to_bytes(4, "big") + token.secret
        return hmac.digest(self._keys(token.epoch).store, message, sha256)

    def successor(self, token: OpaqueToken, epoch: int) -> OpaqueToken:
        """The one token that follows: the same however often it is asked for.

        epoch: the one whose keys derive and carry the successor. The holder of the token
        lacks the chain key, and the holder of the chain key lacks the secret: neither can derive it alone.
        """
        generation = token.generation + 1
        message = b"chain" + token.id + generation.to_bytes(4, "big") + token.secret
        secret = hmac.digest(self._keys(epoch).chain, message, sha256)
        return OpaqueToken(token.kind, epoch, token.id, generation, secret)

    def seeded(self, kind: TokenKind, epoch: int, row_id: bytes, generation: int, seed: bytes) -> OpaqueToken:
        """A token whose secret is derived from a seed that the caller keeps, so a repeated call gets the same token
        (docs/adr/0016). The chain key and the row do not yield it without the seed."""
        message = b"seed " + row_id + generation.to_bytes(4, "big") + seed
        secret = hmac.digest(self._keys(epoch).chain, message, sha256)
        return OpaqueToken(kind, epoch, row_id, generation, secret)

    def csrf_token(self, token: OpaqueToken) -> str:
        """The X-CSRF-Token that goes with a browser session; the same across its rotations in an epoch."""
        digest = hmac.digest(self._keys(token.epoch).tag, b"csrf" + token.id, sha256)
        return to_base64url(digest)

    def _keys(self, epoch: int) -> ChainKeys:
        keys = self._keys_of(epoch)
        if keys is None:
            raise MalformedToken("epoch")
        return keys


def _tag(kind: TokenKind, body: bytes, keys: ChainKeys) -> bytes:
    return hmac.digest(keys.tag, kind.value.encode() + body, sha256)[:_TAG_BYTES]


def _unpacked(text: str, kind: TokenKind) -> bytes:
    """The bytes of a text with the shape, the checksum and the version of a token."""
    prefix = PREFIXES[kind]
    if len(text) != TEXT_LENGTH or not text.startswith(prefix):
        raise MalformedToken("shape")
    encoded = text[len(prefix) :]
    if not _BASE64URL.fullmatch(encoded):
        raise MalformedToken("alphabet")
    raw = from_base64url(encoded)
    payload, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    if zlib.crc32(prefix.encode() + payload).to_bytes(_CHECKSUM_BYTES, "big") != checksum:
        raise MalformedToken("checksum")
    if raw[0] != VERSION:
        raise MalformedToken("version")
    return raw


def _token(raw: bytes, kind: TokenKind) -> OpaqueToken:
    _, epoch, row_id, generation, secret = _BODY.unpack_from(raw)
    return OpaqueToken(kind, epoch, row_id, generation, secret)
