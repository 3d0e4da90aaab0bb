"""The request as it came from the socket and the answer as it goes back: the gateway's two ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """One HTTP request, nothing decoded or merged yet.

    path and query are the two halves of the raw target; headers keep order,
    case and duplicates; source_ip is the socket's peer, never a header.
    """

    method: str
    path: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"

    def header_values(self, name: str) -> list[str]:
        """Every value of a header, in order; names match without regard to case."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def header(self, name: str) -> str | None:
        """The header's values joined by commas (RFC 9110 §5.3), or None."""
        values = self.header_values(name)
        return ",".join(values) if values else None


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One HTTP answer; headers may repeat (Set-Cookie)."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header_values(self, name: str) -> Iterator[str]:
        wanted = name.lower()
        return (value for key, value in self.headers if key.lower() == wanted)


def json_response(status: int, document: object, headers: Headers = ()) -> GatewayResponse:
    """An answer of the gateway itself, as JSON."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return GatewayResponse(status, (("Content-Type", "application/json"), *headers), body)


def message_response(status: int, message: str | None) -> GatewayResponse:
    """API Gateway's own error shape: {"message": text}."""
    return json_response(status, {"message": message})
