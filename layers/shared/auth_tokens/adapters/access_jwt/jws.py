"""JWS in its compact form (RFC 7515 §7.1), read strictly: three segments of base64url with one spelling each, and JSON
objects without surprises. For access tokens and for proofs, in which each character costs time.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from auth_tokens.domain.base64url import from_base64url
from auth_tokens.domain.errors import InvalidAccessToken
from auth_tokens.domain.nesting import nests_too_deep

COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# By the length modulo 4: with 2 characters over, four bits of the last one are spare, with 3 two; 1 is no length.
_LAST_CHARACTERS = (_ALPHABET, "", _ALPHABET[::16], _ALPHABET[::4])
_SPACES = " \t\n\r"  # of JSON (RFC 8259 §2)


def decoded_segment(segment: str) -> bytes:
    """The bytes of a segment of COMPACT, with no spare bits set: each byte string has one spelling."""
    if segment[-1] not in _LAST_CHARACTERS[len(segment) % 4]:
        raise InvalidAccessToken("base64url")
    return from_base64url(segment)


def parsed_object(raw: bytes) -> dict[str, Any]:
    """A JSON object, strictly: no member twice, no NaN, bounded numbers and depth."""
    try:
        text = raw.decode("utf-8").strip(_SPACES)
        if nests_too_deep(text):
            raise InvalidAccessToken("json")
        parsed, end = _STRICTLY.raw_decode(text)  # decode() looks for spaces by two regular expressions
    except ValueError as exc:
        raise InvalidAccessToken("json") from exc
    if end != len(text) or not isinstance(parsed, dict):
        raise InvalidAccessToken("json")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _refused(constant: str) -> NoReturn:
    raise ValueError(constant)


# json.loads would make one for each text (4 us, measured).
_STRICTLY = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refused)
