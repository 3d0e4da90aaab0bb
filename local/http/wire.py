"""HTTP/1.1 on a byte stream: reads requests strictly, frames responses.

A message that could be read in two ways is refused (RFC 9112 §11.2), as API Gateway does. The target, the spelling of
header names, and duplicates are kept as they were sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from io import BufferedIOBase
from urllib.parse import urlsplit

from local.http.messages import GatewayRequest, GatewayResponse, Headers

# API Gateway's quota for request line and headers together.
MAX_HEAD_BYTES = 10_240
_MAX_CHUNK_LINE = 256
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) (HTTP/1\.[01])")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_NO_BODY = {204, 304}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class WireError(Exception):
    """The request cannot be served. The connection ends after the response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Closed(Exception):
    """The client has closed the connection."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body. content_length: None for a chunked body."""

    method: str
    path: str
    query: str
    protocol: str
    headers: Headers
    content_length: int | None
    keep_alive: bool
    expects_continue: bool

    def request(self, body: bytes, source_ip: str) -> GatewayRequest:
        return GatewayRequest(
            self.method, self.path, self.query, self.headers, body, source_ip, self.protocol
        )


def read_head(stream: BufferedIOBase) -> Head:
    """Reads request line and headers. Raises WireError, and Closed if the client sends no more."""
    lines = _head_lines(stream)
    found = _REQUEST_LINE.fullmatch(lines[0])
    if found is None:
        raise WireError(400, "Bad Request")
    method, target, protocol = found.groups()
    path, query = _split_target(target)
    headers = tuple(map(_field, lines[1:]))
    values = _Values(headers)
    if len(values.of("host")) != 1 and protocol == "HTTP/1.1":
        raise WireError(400, "Bad Request")
    tokens = {token.strip(" \t").lower() for value in values.of("connection") for token in value.split(",")}
    return Head(
        method=method,
        path=path,
        query=query,
        protocol=protocol,
        headers=headers,
        content_length=values.content_length(protocol),
        keep_alive="close" not in tokens and (protocol == "HTTP/1.1" or "keep-alive" in tokens),
        expects_continue=values.expects_continue(),
    )


def read_body(stream: BufferedIOBase, head: Head, limit: int) -> bytes:
    """Reads the whole body, chunked or not.

    Raises WireError for a body over the limit (bytes), and Closed for one that is cut short.
    """
    if head.content_length is None:
        return _read_chunks(stream, limit)
    if head.content_length > limit:
        raise WireError(413, "Request Entity Too Large")
    return _read_exactly(stream, head.content_length)


def framed(response: GatewayResponse, method: str, keep_alive: bool) -> bytes:
    """A response as one byte string, to be sent in one write."""
    status_line = f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, '')}"
    lines = [status_line, f"Date: {formatdate(usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    has_body = response.status not in _NO_BODY
    # A response to HEAD may only name the length of GET's body (RFC 9110 §8.6). Without a body it is unknown.
    if has_body and (response.body or method != "HEAD"):
        lines.append(f"Content-Length: {len(response.body)}")
    lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head + response.body if has_body and method != "HEAD" else head


class _Values:
    """Reads the headers that frame a message. Raises WireError for ambiguous ones."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def of(self, name: str) -> list[str]:
        return [value for key, value in self._headers if key.lower() == name]

    def content_length(self, protocol: str) -> int | None:
        lengths, codings = self.of("content-length"), self.of("transfer-encoding")
        if codings:
            # Both headers in one message are a means of request smuggling.
            if lengths or protocol == "HTTP/1.0" or [coding.lower() for coding in codings] != ["chunked"]:
                raise WireError(400, "Bad Request")
            return None
        if len(lengths) > 1 or (lengths and not re.fullmatch(r"[0-9]{1,18}", lengths[0])):
            raise WireError(400, "Bad Request")
        return int(lengths[0]) if lengths else 0

    def expects_continue(self) -> bool:
        expectations = [value.lower() for value in self.of("expect")]
        if expectations not in ([], ["100-continue"]):
            raise WireError(417, "Expectation Failed")
        return bool(expectations)


def _head_lines(stream: BufferedIOBase) -> list[str]:
    lines: list[str] = []
    size = 0
    while True:
        line = stream.readline(MAX_HEAD_BYTES + 1)
        size += len(line)
        if size > MAX_HEAD_BYTES:
            if lines:
                raise WireError(431, "Request Header Fields Too Large")
            raise WireError(414, "Request URI too long")
        if not line.endswith(b"\n"):
            raise Closed
        text = line.rstrip(b"\n").removesuffix(b"\r").decode("latin-1")
        if text:
            lines.append(text)
        elif lines:
            return lines


def _split_target(target: str) -> tuple[str, str]:
    if not target.startswith("/"):
        # The absolute form, as clients send it to a proxy (RFC 9112 §3.2.2).
        parts = urlsplit(target)
        if parts.scheme not in ("http", "https"):
            raise WireError(400, "Bad Request")
        target = target[target.index(parts.netloc) + len(parts.netloc) :]
        target = target if target.startswith("/") else f"/{target}"
    if "#" in target:
        raise WireError(400, "Bad Request")
    path, _, query = target.partition("?")
    return path, query


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
        raise WireError(400, "Bad Request")
    return name, value.strip(" \t")


def _read_chunks(stream: BufferedIOBase, limit: int) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while size := _chunk_size(stream):
        total += size
        if total > limit:
            raise WireError(413, "Request Entity Too Large")
        chunks.append(_read_exactly(stream, size))
        if _read_exactly(stream, 2) != b"\r\n":
            raise WireError(400, "Bad Request")
    _skip_trailers(stream)
    return b"".join(chunks)


def _chunk_size(stream: BufferedIOBase) -> int:
    line = stream.readline(_MAX_CHUNK_LINE)
    found = re.fullmatch(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n", line)
    if found is None:
        raise (
            WireError(400, "Bad Request") if line.endswith(b"\n") or len(line) == _MAX_CHUNK_LINE else Closed
        )
    return int(found[1], 16)


def _skip_trailers(stream: BufferedIOBase) -> None:
    size = 0
    while (line := stream.readline(MAX_HEAD_BYTES)) not in (b"\r\n", b"\n"):
        size += len(line)
        if not line.endswith(b"\n") or size > MAX_HEAD_BYTES:
            raise WireError(400, "Bad Request")


def _read_exactly(stream: BufferedIOBase, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise Closed
    return data
