"""The WebSocket protocol (RFC 6455) on an HTTP connection that was upgraded."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any

from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol

from local.http.messages import GatewayRequest, GatewayResponse
from local.http.responses import FRAMING
from local.sockets.session import Session

# API Gateway's quotas for WebSocket APIs. The limit of two hours for a connection is not enforced here.
MAX_MESSAGE_BYTES = 128 * 1024
MAX_FRAME_BYTES = 32 * 1024
IDLE_S = 600.0
_READ_BYTES = 65_536


class BinaryMessage(Exception):
    """A binary frame was received. WebSocket APIs accept text only."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid handshake. answer: its 101 response, as it is sent."""

    protocol: ServerProtocol
    answer: bytes


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An accepted handshake, and the session that its connection belongs to."""

    accepted: Accepted
    session: Session


def shake_hands(request: GatewayRequest) -> Accepted | GatewayResponse:
    """The accepted handshake, or the response to a request that is not a valid one."""
    # The state is OPEN from the start, as the HTTP server has read the handshake already.
    protocol = ServerProtocol(state=State.OPEN, max_size=(MAX_MESSAGE_BYTES, MAX_FRAME_BYTES))
    headers = Headers(request.headers)
    answer = protocol.accept(Request(request.path, headers, request.method, request.protocol))
    if answer.status_code != 101:
        kept = (pair for pair in answer.headers.raw_items() if pair[0].lower() not in FRAMING)
        return GatewayResponse(answer.status_code, tuple(kept), bytes(answer.body))
    return Accepted(protocol, answer.serialize())


class Conversation:
    """Carries the messages of a session over its connection.

    stream: reads from the connection; it may hold bytes that were read before.
    """

    def __init__(self, upgrade: Upgrade, connection: socket.socket, stream: BufferedIOBase) -> None:
        self._protocol = upgrade.accepted.protocol
        self._greeting = upgrade.accepted.answer
        self._session = upgrade.session
        self._connection = connection
        self._stream = stream
        self._parts: list[bytes] = []

    def run(self) -> None:
        """Serves until either side closes the connection, or the client is idle for too long."""
        self._connection.settimeout(IDLE_S)
        with contextlib.suppress(OSError):
            self._connection.sendall(self._greeting)
            while self._protocol.state is State.OPEN:
                self._receive()

    def send_close(self) -> None:
        """Reports to the session how the connection ended."""
        close = self._protocol.close_rcvd or self._protocol.close_sent
        code, reason = (close.code, close.reason) if close else (CloseCode.ABNORMAL_CLOSURE, "")
        self._session.disconnect(int(code), reason)

    def _receive(self) -> None:
        try:
            data = self._stream.read1(_READ_BYTES)
        except TimeoutError:
            self._fail(CloseCode.GOING_AWAY, "Going away")
            return
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()  # a pong or close is sent before the messages that were read with it are served
        try:
            for text in self._messages(self._protocol.events_received()):
                self._answer(text)
        except BinaryMessage:
            self._fail(CloseCode.UNSUPPORTED_DATA, "Binary frames are not supported")
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "Invalid UTF-8")

    def _messages(self, frames: Iterable[Any]) -> Iterator[str]:
        """The messages that end with these frames. Raises BinaryMessage, UnicodeDecodeError."""
        for frame in frames:
            assert isinstance(frame, Frame)
            if frame.opcode is Opcode.BINARY:
                raise BinaryMessage
            if frame.opcode in (Opcode.TEXT, Opcode.CONT):
                self._parts.append(bytes(frame.data))
                if frame.fin:
                    message, self._parts = b"".join(self._parts), []
                    yield message.decode()

    def _answer(self, text: str) -> None:
        answer = self._session.message(text)
        if answer is not None and self._protocol.state is State.OPEN:
            self._protocol.send_text(answer.encode())
            self._flush()

    def _fail(self, code: CloseCode, reason: str) -> None:
        self._protocol.fail(code, reason)
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data == SEND_EOF:
                self._connection.shutdown(socket.SHUT_WR)
            else:
                self._connection.sendall(data)
