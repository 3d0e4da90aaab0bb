"""Opens WebSockets and routes their messages. All I/O is the runner's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from local.authorizers.gate import AuthorizerGate
from local.http.call import Handshake
from local.http.events import Authorized, Event
from local.http.ids import new_id
from local.http.integration import invoke
from local.http.messages import GatewayResponse, json_response
from local.http.refusals import Refusal
from local.runners import Runner
from local.sockets.events import SocketEvents
from local.templates.model import Api, ApiKind, Route
from local.templates.socket_api import CONNECT, DEFAULT, DISCONNECT


def open_session(
    handshake: Handshake, gate: AuthorizerGate, runner: Runner, clock: Callable[[], float]
) -> Session | GatewayResponse:
    """The session of a socket that may be opened, or the response that refuses its handshake.

    The authorizer is asked once, here. The session keeps its result.
    """
    authorizer = handshake.route.authorizer
    caller = gate.admit(handshake, authorizer) if authorizer else None
    if isinstance(caller, Refusal):
        return _refused(handshake, caller.status, caller.message)
    session = Session(handshake, caller, runner, clock)
    answer = session.connect()
    if isinstance(answer, Refusal):
        return _refused(handshake, answer.status, answer.message)
    if answer is not None and not 200 <= answer.status < 300:
        return answer
    return session


def connect_route(api: Api) -> Route:
    """The route of a handshake. Without a $connect route, anybody may connect and no function is invoked."""
    return _routes(api).get(CONNECT) or Route(method="", path=CONNECT, function="")


class Session:
    """One open socket. clock: epoch seconds.

    Its messages are served one after another, in their order. API Gateway may serve several at once.
    """

    def __init__(
        self, handshake: Handshake, caller: Authorized | None, runner: Runner, clock: Callable[[], float]
    ) -> None:
        self._handshake = handshake
        self._events = SocketEvents(handshake, caller)
        self._routes = _routes(handshake.api)
        self._runner = runner
        self._clock = clock

    def connect(self) -> GatewayResponse | Refusal | None:
        """Invokes the function of $connect, and returns its response; None without that route."""
        return self._invoke(CONNECT, self._events.connect())

    def message(self, text: str) -> str | None:
        """Serves a message, and returns the text to send to the client; None if there is none."""
        request_id = new_id()
        route = self._route_of(text)
        if route is None:
            return self._error("Forbidden", request_id)
        event = self._events.message(route.key, request_id, self._clock(), text)
        answer = invoke(self._runner, ApiKind.WEBSOCKET, route, event)
        if isinstance(answer, Refusal):
            return self._error("Internal server error", request_id)
        if not route.has_response or not answer.body:
            return None
        try:
            return answer.body.decode()
        except UnicodeDecodeError:
            return self._error("Internal server error", request_id)

    def disconnect(self, code: int, reason: str) -> None:
        """Invokes the function of $disconnect, if there is one."""
        self._invoke(DISCONNECT, self._events.disconnect(self._clock(), code, reason))

    def _invoke(self, key: str, event: Event) -> GatewayResponse | Refusal | None:
        route = self._routes.get(key)
        return invoke(self._runner, ApiKind.WEBSOCKET, route, event) if route else None

    def _route_of(self, text: str) -> Route | None:
        """The route that a message selects, else $default. A message cannot select $connect or $disconnect."""
        key = _selected(text, self._handshake.api.selection)
        chosen = None if key in (CONNECT, DISCONNECT) else self._routes.get(key)
        return chosen or self._routes.get(DEFAULT)

    def _error(self, message: str, request_id: str) -> str:
        document = {
            "message": message,
            "connectionId": self._handshake.connection_id,
            "requestId": request_id,
        }
        return json.dumps(document)


def _routes(api: Api) -> dict[str, Route]:
    return {route.key: route for route in api.routes}


def _selected(text: str, members: tuple[str, ...]) -> str:
    """The route key in a message. Empty if there is none, or if the JSON is nested too deeply to be parsed."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    for member in members:
        value = value.get(member) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _refused(handshake: Handshake, status: int, message: str | None) -> GatewayResponse:
    ids = {"connectionId": handshake.connection_id, "requestId": handshake.request_id}
    return json_response(status, {"message": message, **ids})
