"""Documents of GET /auth/revocations, signed by a key of the test's own."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any


def document(
    ids: Iterable[bytes], sign: Callable[[dict[str, Any]], str], *, issuer: str, now: int, **changes: Any
) -> dict[str, str]:
    """ids: each of 16 bytes, whose last 8 are told; sign: claims → a JWT of `typ` revocations+jwt."""
    told = base64.urlsafe_b64encode(b"".join(identifier[8:] for identifier in ids)).decode().rstrip("=")
    digest = base64.urlsafe_b64encode(hashlib.sha256(told.encode()).digest()).decode().rstrip("=")
    claims = {
        "iss": issuer,
        "as_of": now,
        "after": "",
        "next": "",
        "complete": True,
        "overflow": False,
        "ids_sha256": digest,
        "cutoffs": [],
        "memory_s": 3660,
        "max_staleness_s": 5,
        "fail_after_s": 60,
    }
    return {"statement": sign({**claims, **changes}), "ids": told}


def compact(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A JWS in compact form (RFC 7515 §7.1)."""
    signing_input = f"{_segment(json.dumps(header).encode())}.{_segment(json.dumps(claims).encode())}"
    return f"{signing_input}.{_segment(sign(signing_input.encode()))}"


def _segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
