"""A request as it was received, and a response as it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """One HTTP request, in which nothing is decoded or merged.

    path, query: the two halves of the raw target. headers: in their order and case, with duplicates.
    source_ip: the peer of the TCP connection; no header changes it.
    """

    method: str
    path: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"

    def header_values(self, name: str) -> list[str]:
        """Every value of a header, in order. Its name is not case-sensitive."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def header(self, name: str) -> str | None:
        """The header's values joined by commas (RFC 9110 §5.3), or None."""
        values = self.header_values(name)
        return ",".join(values) if values else None


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One HTTP response. A header may occur more than once (Set-Cookie).

    reason: why the gateway itself refuses, for the log of requests; it is never sent.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    reason: str = field(default="", compare=False)

    def header_values(self, name: str) -> Iterator[str]:
        wanted = name.lower()
        return (value for key, value in self.headers if key.lower() == wanted)


def json_response(status: int, document: object, headers: Headers = ()) -> GatewayResponse:
    """A response of the gateway itself, with a JSON body."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return GatewayResponse(status, (("Content-Type", "application/json"), *headers), body)


def message_response(status: int, message: str | None) -> GatewayResponse:
    """A response of the gateway itself, in API Gateway's shape for errors: {"message": text}."""
    return replace(json_response(status, {"message": message}), reason=f"gateway: {message}")
