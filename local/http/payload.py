"""Headers and bodies as API Gateway passes them to a function."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from fnmatch import fnmatchcase

from local.http.call import Call
from local.http.messages import Headers
from local.templates.model import ApiKind

# An HTTP API passes these types and text/* as text. Everything else is base64, HTML forms among it.
_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
_TEXT_SUFFIXES = ("+json", "+xml")
# The gateway writes these headers itself, and drops what a client sends under their names.
_OWN_HEADERS = {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"}
# These headers belong to one connection (RFC 9110 §7.6.1) and are not forwarded.
_CONNECTION_HEADERS = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
}


def forwarded_headers(call: Call) -> Headers:
    """The client's headers and the gateway's own. X-Forwarded-For ends with the caller's address."""
    dropped = _OWN_HEADERS | _CONNECTION_HEADERS
    kept = tuple(pair for pair in call.request.headers if pair[0].lower() not in dropped)
    hops = [*call.request.header_values("X-Forwarded-For"), call.request.source_ip]
    return (
        *kept,
        ("X-Amzn-Trace-Id", f"Root=1-{int(call.now):08x}-{secrets.token_hex(12)}"),
        ("X-Forwarded-For", ", ".join(hops)),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    )


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One value for each name, in their order. Several values of a name are joined by commas."""
    return {name: ",".join(values) for name, values in grouped(pairs).items()}


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Every value of each name, in their order."""
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def one_spelling(headers: Headers) -> Headers:
    """The headers with each name spelled as at its first occurrence: Accept and accept are one header."""
    spelling: dict[str, str] = {}
    return tuple((spelling.setdefault(name.lower(), name), value) for name, value in headers)


def encoded_body(call: Call) -> tuple[str | None, bool]:
    """The body of an event, and its isBase64Encoded."""
    body = call.request.body
    if not body:
        return None, False
    if _is_binary(call):
        return base64.b64encode(body).decode(), True
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        if call.api.kind is ApiKind.HTTP:
            return base64.b64encode(body).decode(), True
        # A REST API decides by the content type, and damages a body that is not text after all.
        return body.decode(errors="replace"), False


def _is_binary(call: Call) -> bool:
    content_type = (call.request.header("Content-Type") or "").split(";")[0].strip(" \t").lower()
    if call.api.kind is ApiKind.REST:
        return any(fnmatchcase(content_type, pattern.lower()) for pattern in call.api.binary_media_types)
    is_text = content_type.startswith("text/") or content_type in _TEXT_TYPES
    return not is_text and not content_type.endswith(_TEXT_SUFFIXES)
