"""Serves a gateway on a local port: HTTP/1.1, and WebSockets that are upgraded from it."""

from __future__ import annotations

import contextlib
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from typing import Any

from local.gateway.exchange import Exchange, Log, exchange_of
from local.gateway.gateway import MAX_PAYLOAD_BYTES, Gateway
from local.http.messages import GatewayRequest, GatewayResponse, message_response
from local.http.wire import Closed, WireError, framed, read_body, read_head
from local.sockets.websocket import Conversation, Upgrade

LOG = logging.getLogger(__name__)

LocalRoutes = Callable[[GatewayRequest], GatewayResponse | None]

# How long a connection may be idle, and how long the rest of a refused request is read and dropped.
_IDLE_S = 75.0
_LINGER_S = 2.0


class RunningServer:
    """A gateway that is being served. Its threads are daemons, so the process can exit without a shutdown."""

    def __init__(
        self, gateway: Gateway, host: str, port: int, local_routes: LocalRoutes | None, log: Log
    ) -> None:
        self._server = _Server((host, port), _Connection)
        self._server.answer = _Responder(gateway, local_routes, log)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True, name="gateway"
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port of the listener. For port 0, the system has chosen one."""
        port: int = self._server.server_address[1]
        return port

    def shutdown(self) -> None:
        """Stops listening and closes every connection. Safe to call twice."""
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()
        self._thread.join()


def serve(
    gateway: Gateway,
    host: str,
    port: int,
    local_routes: LocalRoutes | None = None,
    log: Log = lambda _: None,
) -> RunningServer:
    """Starts serving and returns at once. Raises OSError if the port is taken.

    local_routes: serves the paths that exist in local mode only. It is asked first, and returns None for others.
    log: gets each exchange, before its response is sent.
    """
    return RunningServer(gateway, host, port, local_routes, log)


class _Responder:
    """Answers each request. An unexpected error is logged, and the client receives a 500 without details."""

    def __init__(self, gateway: Gateway, local_routes: LocalRoutes | None, log: Log) -> None:
        self._gateway = gateway
        self._local_routes = local_routes
        self._log = log

    def __call__(self, request: GatewayRequest) -> GatewayResponse | Upgrade:
        started = time.perf_counter()
        answer = self._answer(request)
        self._log(exchange_of(request, answer, time.perf_counter() - started))
        return answer

    def refuse(self, error: WireError, method: str) -> GatewayResponse:
        """The response to a request that could not be read."""
        self._log(Exchange(method, "", error.status, 0, reason=f"gateway: {error.message}"))
        return message_response(error.status, error.message)

    def _answer(self, request: GatewayRequest) -> GatewayResponse | Upgrade:
        try:
            local = self._local_routes(request) if self._local_routes else None
            return local if local is not None else self._gateway.handle(request)
        except Exception:
            LOG.exception("%s %s could not be served", request.method, request.path)
            return message_response(500, "Internal Server Error")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256
    answer: _Responder

    def __init__(self, *arguments: Any) -> None:
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.is_closing = False
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        self.is_closing = True
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.exception("connection of %s failed", client_address)


class _Connection(socketserver.StreamRequestHandler):
    """One client connection: serves requests one after another until either side closes it."""

    # Nagle is off and each response is one write: a second small write would wait 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    timeout = _IDLE_S
    server: _Server
    connection: socket.socket

    def handle(self) -> None:
        with contextlib.suppress(Closed, OSError):
            while self._serve_one():
                pass

    def _serve_one(self) -> bool:
        """Answers one request. Returns False if the connection has to end."""
        method = "GET"
        try:
            head = read_head(self.rfile)
            method = head.method
            if head.expects_continue and (head.content_length or 0) <= MAX_PAYLOAD_BYTES:
                self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = read_body(self.rfile, head, MAX_PAYLOAD_BYTES)
        except WireError as error:
            self._refuse(error, method)
            return False
        answer = self.server.answer(head.request(body, self.client_address[0]))
        if isinstance(answer, Upgrade):
            self._converse(answer)
            return False
        self.connection.sendall(framed(answer, method, head.keep_alive))
        return head.keep_alive

    def _converse(self, upgrade: Upgrade) -> None:
        """Serves a WebSocket until it ends, then invokes the function of $disconnect unless the server is closing.

        API Gateway does not guarantee that event either.
        """
        conversation = Conversation(upgrade, self.connection, self.rfile)
        conversation.run()
        if self.server.is_closing:
            return
        with contextlib.suppress(OSError):
            self._linger()
        conversation.send_close()

    def _refuse(self, error: WireError, method: str) -> None:
        """Answers a request that was not read to its end, then reads some of the rest.

        Closing a connection with unread bytes resets it, and the client would lose the response.
        """
        self.connection.sendall(framed(self.server.answer.refuse(error, method), method, keep_alive=False))
        self.connection.shutdown(socket.SHUT_WR)
        self._linger()

    def _linger(self) -> None:
        """Reads and drops what the client still sends, for at most _LINGER_S."""
        deadline = time.monotonic() + _LINGER_S
        self.connection.settimeout(_LINGER_S)
        while time.monotonic() < deadline and self.connection.recv(65_536):
            pass
