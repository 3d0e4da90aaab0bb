"""Sends requests to the service by the standard library, for who brings no HTTP client of their own."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from auth_user_tokens.clock import Clock, elapsed_s
from auth_user_tokens.errors import Late, NoAnswer
from auth_user_tokens.steps import Send
from auth_user_tokens.wire import MAX_ANSWER_BYTES, Reply

USER_AGENT = "auth-user-tokens-python"
Sender = Callable[[Send], Reply]
"""Sends and reads the whole answer. Follows no redirect; raises NoAnswer, where it can Late."""


def check(send: Send, clock: Clock) -> None:
    """For the moment before the token leaves. Raises Late: connecting took so long that others may have gone on."""
    if elapsed_s(send.read_at, clock.now()) > send.timeout_s:
        raise Late()


class StandardSender:
    """Proxies as the environment names them (`HTTPS_PROXY` …). tls: such as
    `ssl.create_default_context(cafile=…)`."""

    def __init__(self, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        self._clock = clock
        self._tls = tls

    def __call__(self, send: Send) -> Reply:
        request = send.request
        asked = urllib.request.Request(  # noqa: S310 - the issuer's scheme was checked
            request.url, request.body, dict(request.headers), method=request.method
        )
        deadline = time.monotonic() + send.timeout_s
        try:
            with self._opener(send).open(asked, timeout=send.timeout_s) as response:
                return Reply(response.status, _lower(response.headers), _body(response, deadline))
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(type(error).__name__) from None

    def _opener(self, send: Send) -> urllib.request.OpenerDirector:
        """Without a handler of redirects: a 3xx is an answer like others."""
        self._tls = self._tls or ssl.create_default_context()  # 20 to 100 ms
        opener = urllib.request.OpenerDirector()
        opener.addheaders = [("User-Agent", USER_AGENT)]
        for handler in (
            urllib.request.ProxyHandler(),
            _Http(lambda: check(send, self._clock)),
            _Https(lambda: check(send, self._clock), self._tls),
        ):
            opener.add_handler(handler)
        return opener


class _Http(urllib.request.HTTPHandler):
    def __init__(self, connected: Callable[[], None]) -> None:
        super().__init__()
        self._connected = connected

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_checking(http.client.HTTPConnection, self._connected), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, connected: Callable[[], None], tls: ssl.SSLContext) -> None:
        super().__init__(context=tls)
        self._connected, self._own_tls = connected, tls

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(
            _checking(http.client.HTTPSConnection, self._connected), req, context=self._own_tls
        )


def _checking(kind: type[http.client.HTTPConnection], connected: Callable[[], None]) -> Any:
    """A connection that asks, once it stands, whether to go on."""

    class Connection(kind):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            super().connect()
            connected()

    return Connection


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _body(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """The whole of it. Raises NoAnswer: it is cut, too long, or comes too slowly."""
    parts, size = [], 0
    while part := response.read1(MAX_ANSWER_BYTES):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES or time.monotonic() > deadline:
            raise NoAnswer("an endless answer")
    if response.length:  # read1 says nothing about what is missing
        raise NoAnswer("half an answer")
    return b"".join(parts)
