"""Verifies AWS Signature Version 4 on IAM routes, with the standard library.

Canonical request, string to sign and key derivation: IAM user guide, "Signing AWS API requests".
A signature may be in the Authorization header or in the query string.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote

from local.http.messages import GatewayRequest
from local.templates.arns import ACCOUNT_ID, PARTITION, REGION

ALGORITHM = "AWS4-HMAC-SHA256"
# A signature is valid for this long before and after its own time.
WINDOW_S = 300
_MAX_EXPIRES_S = 7 * 24 * 3600
_SIGNATURE_PARAMETER = "X-Amz-Signature"
_TOKEN = "X-Amz-Security-Token"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<credential>[^,\s]+), *"
    r"SignedHeaders=(?P<headers>[^,\s]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


class SignatureError(Exception):
    """No known key signed this request. The text is for the log."""


class MissingSignature(SignatureError):
    """The request has no signature."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair and its owner. user_id, user_arn: the owner's names in events.

    session_token: of temporary credentials, whose requests must carry it; empty for a user's key.
    """

    access_key: str
    secret_key: str = field(repr=False)
    user_id: str
    user_arn: str
    session_token: str = field(default="", repr=False)
    region: str = REGION
    service: str = "execute-api"


# These are no secrets: local mode prints them, and only the local stack accepts them.
LOCAL_KEY = SigningKey("local", "local-secret", "local", f"arn:{PARTITION}:iam::{ACCOUNT_ID}:user/local")
# Temporary credentials of a role, which most callers on AWS use. A role's unique id ends with the session's name.
LOCAL_ROLE_KEY = SigningKey(
    "ASIALOCALBACKEND",
    "local-role-secret",
    "AROALOCALBACKEND:worker",
    f"arn:{PARTITION}:sts::{ACCOUNT_ID}:assumed-role/local-backend/worker",
    session_token="local-session-token",
)


@dataclass(frozen=True, slots=True)
class _Claim:
    """The parts of a signature, as the client sent them. expires_s: 0 for a signature in the header."""

    credential: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    expires_s: int
    session_token: str


def verify(request: GatewayRequest, keys: Sequence[SigningKey], now: float) -> SigningKey:
    """The key that signed exactly this request, within its time.

    now: epoch seconds. Raises MissingSignature, SignatureError.
    """
    claim = _from_query(request) if _SIGNATURE_PARAMETER in request.query else _from_header(request)
    _check_time(claim, now)
    key = next((key for key in keys if claim.credential.startswith(f"{key.access_key}/")), None)
    if key is None:
        raise SignatureError("unknown credential")
    scope = f"{claim.timestamp[:8]}/{key.region}/{key.service}/aws4_request"
    if claim.credential != f"{key.access_key}/{scope}":
        raise SignatureError("unexpected scope")
    if not hmac.compare_digest(key.session_token.encode(), claim.session_token.encode()):
        raise SignatureError("session token is missing or belongs to another key")
    _check_coverage(request, claim)
    canonical = _canonical_request(request, claim.signed_headers)
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    expected = _signature(key, scope, f"{ALGORITHM}\n{claim.timestamp}\n{scope}\n{digest}")
    if not hmac.compare_digest(expected, claim.signature):
        raise SignatureError("signature does not match")
    return key


def _from_header(request: GatewayRequest) -> _Claim:
    authorization = request.header("Authorization")
    if authorization is None:
        raise MissingSignature("no Authorization header")
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise SignatureError("Authorization is not a signature")
    timestamp = request.header("X-Amz-Date") or ""
    signed_headers = tuple(found["headers"].split(";"))
    return _Claim(
        found["credential"], signed_headers, found["signature"], timestamp, 0, request.header(_TOKEN) or ""
    )


def _from_query(request: GatewayRequest) -> _Claim:
    parameters = dict(parse_qsl(request.query, keep_blank_values=True))
    if parameters.get("X-Amz-Algorithm") != ALGORITHM:
        raise SignatureError("unknown algorithm")
    expires = parameters.get("X-Amz-Expires", "")
    if not re.fullmatch(r"[1-9][0-9]{0,5}", expires) or int(expires) > _MAX_EXPIRES_S:
        raise SignatureError("X-Amz-Expires is out of range")
    return _Claim(
        credential=parameters.get("X-Amz-Credential", ""),
        signed_headers=tuple(parameters.get("X-Amz-SignedHeaders", "").split(";")),
        signature=parameters.get(_SIGNATURE_PARAMETER, ""),
        timestamp=parameters.get("X-Amz-Date", ""),
        expires_s=int(expires),
        session_token=parameters.get(_TOKEN, ""),
    )


def _check_time(claim: _Claim, now: float) -> None:
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", claim.timestamp):
        raise SignatureError("no usable X-Amz-Date")
    try:
        signed_at = calendar.timegm(time.strptime(claim.timestamp, "%Y%m%dT%H%M%SZ"))
    except ValueError as error:
        raise SignatureError("no usable X-Amz-Date") from error
    if not -WINDOW_S <= now - signed_at <= (claim.expires_s or WINDOW_S):
        raise SignatureError("signature is too old or from the future")


def _check_coverage(request: GatewayRequest, claim: _Claim) -> None:
    """Checks that host and x-amz headers are signed: without them a signature would fit another request."""
    required = {"host"} if claim.expires_s else {"host", "x-amz-date"}
    required |= {name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")}
    if not required <= set(claim.signed_headers):
        raise SignatureError("host or x-amz headers are not signed")
    declared = request.header("X-Amz-Content-SHA256")
    if declared is not None and declared != _payload_hash(request):
        raise SignatureError("body differs from the signed one")


def _canonical_request(request: GatewayRequest, signed_headers: tuple[str, ...]) -> str:
    headers = "".join(f"{name}:{_canonical_values(request, name)}\n" for name in signed_headers)
    return "\n".join(
        (
            request.method,
            _canonical_path(request.path),
            _canonical_query(request.query),
            headers,
            ";".join(signed_headers),
            _payload_hash(request),
        )
    )


def _canonical_path(raw_path: str) -> str:
    """The path without dot segments and empty segments, percent-encoded once more."""
    kept: list[str] = []
    for segment in raw_path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    trailing = "/" if kept and raw_path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{trailing}", safe="/~")


def _canonical_query(raw_query: str) -> str:
    pairs = []
    for part in filter(None, raw_query.split("&")):
        name, _, value = part.partition("=")
        if name != _SIGNATURE_PARAMETER:
            pairs.append((_encoded(name), _encoded(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encoded(text: str) -> str:
    return quote(unquote(text, "latin-1"), safe="-_.~", encoding="latin-1")


def _canonical_values(request: GatewayRequest, name: str) -> str:
    return ",".join(" ".join(value.split()) for value in request.header_values(name))


def _payload_hash(request: GatewayRequest) -> str:
    return hashlib.sha256(request.body).hexdigest()


def _signature(key: SigningKey, scope: str, string_to_sign: str) -> str:
    secret = f"AWS4{key.secret_key}".encode()
    for part in scope.split("/"):
        secret = _hmac(secret, part)
    return _hmac(secret, string_to_sign).hex()


def _hmac(secret: bytes, text: str) -> bytes:
    return hmac.new(secret, text.encode(), hashlib.sha256).digest()
