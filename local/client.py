"""A plain HTTP client for the local service: JSON, forms, bearer tokens, cookies, SigV4."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from local.http.sigv4 import LOCAL_KEY, SigningKey
from local.http.tokens import abbreviated
from local.templates.arns import REGION


@dataclass(frozen=True)
class Reply:
    """A response. headers: their names are in lower case. json: the parsed body, None for an empty one."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    def shortened(self, length: int = 150) -> str:
        """Status and body for a person: tokens are abbreviated, and the body is cut at `length` characters."""
        text = abbreviated(self.body.decode(errors="replace"))
        return f"{self.status} {text[:length]}{'…' if len(text) > length else ''}".rstrip()


class Client:
    """Sends requests to one base URL, each on a connection of its own.

    source: the local address to connect from. headers: sent with each request.
    timeout_s: how long a read or write may take.
    """

    def __init__(
        self, base_url: str, source: str = "", headers: Mapping[str, str] | None = None, timeout_s: float = 60
    ) -> None:
        self.base_url = base_url
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._source = (source, 0) if source else None
        self._headers = dict(headers or {})
        self._timeout_s = timeout_s

    def get(self, path: str, **options: Any) -> Reply:
        return self.request("GET", path, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        return self.request("DELETE", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> Reply:
        """Sends a JSON body."""
        return self.request("POST", path, json.dumps(body).encode(), "application/json", **options)

    def form(self, path: str, fields: Mapping[str, str], **options: Any) -> Reply:
        """Sends an OAuth form."""
        body = urlencode(fields).encode()
        return self.request("POST", path, body, "application/x-www-form-urlencoded", **options)

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = "",
        **options: Any,
    ) -> Reply:
        """Sends one request. options: those of header_fields."""
        sent = {**self._headers, **header_fields(**options)}
        sent |= {"Content-Type": content_type} if content_type else {}
        connection = http.client.HTTPConnection(
            self._host, self._port, timeout=self._timeout_s, source_address=self._source
        )
        try:
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            pairs = [(name.lower(), value) for name, value in answer.getheaders()]
            cookies = tuple(value for name, value in pairs if name == "set-cookie")
            return Reply(answer.status, dict(pairs), answer.read(), cookies)
        finally:
            connection.close()

    def signed(
        self,
        method: str,
        path: str,
        body: Any = None,
        secret: str | None = None,
        key: SigningKey = LOCAL_KEY,
    ) -> Reply:
        """Sends a request that an IAM key pair signed (SigV4, service execute-api). secret: replaces the key's own."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        data = json.dumps(body).encode() if body is not None else b""
        url = f"http://{self._host}:{self._port}{path}"
        request = AWSRequest(method, url, data=data, headers={"Content-Type": "application/json"})
        credentials = Credentials(key.access_key, secret or key.secret_key, key.session_token or None)
        SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
        return self.request(method, path, data, headers=dict(request.headers.items()))


def header_fields(
    *, bearer: str | None = None, cookie: str | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The header fields of a caller. bearer: an access token; cookie: the whole Cookie header."""
    fields = dict(headers or {})
    fields |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
    fields |= {"Cookie": cookie} if cookie else {}
    return fields
