"""Identifiers: UUIDv7 (RFC 9562 §5.7), time-ordered, so that inserts append to the clustered key."""

import re

# RFC 9562 §5.9, §5.10: below and above every id.
NIL_UUID = bytes(16)
MAX_UUID = b"\xff" * 16

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_UUID = re.compile(_CANONICAL_UUID.pattern, re.ASCII | re.IGNORECASE)
# Four bits of the last character are used, the spare ones are not set.
_32_BYTES = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_USER_ID = re.compile(r"[!-~]{1,36}", re.ASCII)


def uuid7(now_ms: int, entropy: bytes) -> bytes:
    """The 16 bytes of a UUIDv7. now_ms: epoch milliseconds; entropy: 10 random bytes."""
    if len(entropy) != 10:
        raise ValueError("entropy must be 10 bytes")
    value = (now_ms & (1 << 48) - 1) << 80 | int.from_bytes(entropy, "big")
    value = value & ~(0xF << 76) | 7 << 76  # version
    value = value & ~(0x3 << 62) | 2 << 62  # variant
    return value.to_bytes(16, "big")


def first_uuid_at(instant: int) -> bytes:
    """Not above any id of this second or later (epoch seconds), and above all earlier ones."""
    return uuid7(min(instant, 2**37) * 1000, bytes(10))


def uuid_time(identifier: bytes) -> int:
    """The epoch second at which a UUIDv7 was made."""
    return int.from_bytes(identifier[:6], "big") // 1000


def uuid_text(identifier: bytes) -> str:
    """16 bytes → the canonical text form that clients see."""
    digits = identifier.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def parse_uuid(text: str) -> bytes | None:
    """The text form, its digits in either case (RFC 9562 §4) → 16 bytes; None for anything else: braces, no hyphens."""
    return bytes.fromhex(text.replace("-", "")) if _UUID.fullmatch(text) else None


def uuid_bytes(text: str) -> bytes:
    """The 16 bytes of a text that uuid_text wrote. Raises ValueError for any other text."""
    identifier = parse_uuid(text)
    if identifier is None:
        raise ValueError("not an id")
    return identifier


def is_canonical_uuid(text: str) -> bool:
    """Is this a UUID in the form that uuid_text writes, in lower case?"""
    return _CANONICAL_UUID.fullmatch(text) is not None


def is_base64url_32(value: object) -> bool:
    """Is this the one spelling of 32 bytes in base64url: a key's thumbprint (RFC 7638), a coordinate?"""
    return isinstance(value, str) and _32_BYTES.fullmatch(value) is not None


def is_user_id(text: str) -> bool:
    """Can this be a user's id? Checked before SQL sees it: 1 to 36 visible ASCII characters."""
    return _USER_ID.fullmatch(text) is not None


def is_path_safe(user_id: str) -> bool:
    """Can operators name this user in a path? An HTTP API decodes a path before it looks for the route: an escaped
    slash separates segments, and an escaped question mark ends the path. Clients resolve dot segments.
    """
    return is_user_id(user_id) and not set("/?") & set(user_id) and user_id not in (".", "..")
