"""Plain HTTP to a deployed service: one connection a call, no redirect followed, every failure a sentence."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from deploy.aws import Failed
from deploy.sign_in_probe import Answer, Call, Unreachable, json_object

TIMEOUT_S = 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Reply:
    """headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def answer(self) -> Answer:
        """What is not a JSON object counts as empty."""
        try:
            return Answer(self.status, json_object(self.body))
        except ValueError:
            return Answer(self.status, {})


class Service:
    """The service at an address."""

    def __init__(self, url: str) -> None:
        """url: without a slash at its end. Raises Failed for what is none, or would send passwords in clear."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise Failed(f"{url} is no address of a service: give one like https://tokens.example.")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise Failed(f"{url} would get a password and tokens unencrypted: give its https address.")
        self.url = url.rstrip("/")
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, port
        self._base = parts.path.rstrip("/")

    def __call__(self, call: Call) -> Answer:
        """A Transport (deploy/sign_in_probe.py)."""
        return self.reply(call).answer

    def reply(self, call: Call) -> Reply:
        """Raises Unreachable."""
        connection = self._connection()
        try:
            connection.request(call.method, self._base + call.path, call.body or None, dict(call.headers))
            answered = connection.getresponse()
            headers = {name.lower(): value for name, value in answered.getheaders()}
            return Reply(answered.status, headers, answered.read())
        except (OSError, http.client.HTTPException) as exc:
            raise Unreachable(f"{self.url} cannot be reached: {_reason(exc)}") from exc
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._scheme == "http":
            return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        return http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S)


def _reason(exc: Exception) -> str:
    match exc:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not good ({exc.verify_message}). Look at the domain's certificate."
        case socket.gaierror():
            return "its name has no address. Look at the DNS record."
        case TimeoutError():
            return f"no answer within {TIMEOUT_S} s. Look at the network between."
        case ConnectionRefusedError():
            return "nobody listens there. Look at the address."
    return f"{exc or type(exc).__name__}. Look at the address and the network between."
