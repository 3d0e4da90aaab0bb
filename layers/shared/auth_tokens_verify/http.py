"""One GET of a JSON document: followed nowhere, bounded in time, and taken only whole and of the right kind."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auth_tokens.domain.errors import Unavailable

# (url, headers, timeout_s) → (status, headers, body); raises whatever it likes where there is no answer.
Fetch = Callable[[str, Mapping[str, str], float], tuple[int, Mapping[str, str], bytes]]

_TYPES = ("application/json", "application/jwk-set+json")
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Document:
    """body: empty where the status is not 200; headers: names in lower case; sent_at: by the monotonic clock, before
    sending; age_s: what caches on the way say of its age (RFC 9111 §5.1)."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    sent_at: float
    age_s: int


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def fetch(url: str, headers: Mapping[str, str], timeout_s: float) -> tuple[int, Mapping[str, str], bytes]:
    """By the standard library. The whole answer must be there in time, not only its next byte."""
    ends_at = time.monotonic() + timeout_s
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - the issuer, which Verifier has checked
    try:
        answer = _OPENER.open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), b""
    with answer:
        parts = []
        while part := answer.read1(_CHUNK):
            parts.append(part)
            if time.monotonic() > ends_at:
                raise TimeoutError("the answer takes too long")
        return answer.status, dict(answer.headers), b"".join(parts)


def get_json(
    url: str, via: Fetch, monotonic: Callable[[], float], timeout_s: float, headers: Mapping[str, str]
) -> Document:
    """The document at a URL. Raises Unavailable for no answer, half an answer, or one of another kind."""
    sent_at = monotonic()
    try:
        status, given, raw = via(url, {"Accept": "application/json", **headers}, timeout_s)
        fields = {name.lower(): value for name, value in given.items()}
        body = _object(fields, raw) if status == 200 else {}
    except Exception as exc:
        raise Unavailable(f"{url}: {exc}") from exc
    return Document(status, fields, body, sent_at, _seconds(fields.get("age", "")))


def _object(headers: Mapping[str, str], raw: bytes) -> dict[str, Any]:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES:
        raise ValueError(f"content type {kind or 'missing'}")
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("no JSON object")
    return body


def _seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
