"""HKDF-SHA-256 (RFC 5869) to keys of 32 bytes. Those are one block, so that Extract and Expand are one HMAC each."""

import hmac
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256

Derive = Callable[[bytes], bytes]
# A row is opened and sealed under one key, and the same few pseudonyms are asked for again and again.
_REMEMBERED = 64
_NO_SALT = bytes(32)


def deriving(key: bytes) -> Derive:
    """label → the key derived for it. Extract runs once (RFC 5869 §2.2), Expand once a label (§2.3)."""
    extracted = hmac.digest(_NO_SALT, key, sha256)

    @lru_cache(maxsize=_REMEMBERED)
    def derive(label: bytes) -> bytes:
        return hmac.digest(extracted, b"auth-user-tokens " + label + b"\x01", sha256)

    return derive
