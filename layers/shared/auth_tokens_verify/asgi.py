"""ASGI middleware (Starlette, FastAPI, Quart, Django): the claims are in `scope["auth"]`."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from auth_tokens_verify.verifier import Refusal, Verifier

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class RequireToken:
    """Wraps an application. requirements: as of Verifier.check; a WebSocket without a good token is not opened."""

    def __init__(self, app: App, verifier: Verifier, **requirements: Any) -> None:
        self._app = app
        self._verifier = verifier
        self._requirements = requirements

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        # In a thread: where keys or revocations are old, it waits for the service.
        asked = {**request_line(scope), **self._requirements}
        verdict = await asyncio.to_thread(self._verifier.check, fields, **asked)
        if not isinstance(verdict, Refusal):
            return await self._app({**scope, "auth": verdict}, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        return await _answer(verdict, send)


def request_line(scope: Scope) -> dict[str, str]:
    """`method` and `target` of Verifier.check. A WebSocket is opened by GET (RFC 6455 §4.1)."""
    raw = scope.get("raw_path")
    target = raw.decode("latin-1") if raw else quote(scope.get("path", ""))
    return {"method": scope.get("method", "GET"), "target": target}


async def _answer(refusal: Refusal, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
    length = (b"content-length", str(len(refusal.body)).encode())
    await send({"type": "http.response.start", "status": refusal.status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": refusal.body})
