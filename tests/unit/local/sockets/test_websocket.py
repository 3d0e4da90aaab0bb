"""WebSockets on the wire, with a client that others wrote."""

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect

from local.gateway.gateway import Gateway
from local.gateway.server import RunningServer, serve
from local.sockets import websocket
from local.sockets.websocket import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES
from local.templates.model import Api, ApiKind, MountedApi, Route

# Longer than anything here takes, and a bound all the same.
WAIT_S = 10
ROUTES = (
    Route("", "$connect", "Connect", payload_version="1.0"),
    Route("", "$disconnect", "End", payload_version="1.0"),
    Route("", "$default", "Echo", payload_version="1.0", has_response=True),
)


class EchoRunner:
    """Answers a message with itself, and `wait` when told to; keeps what it hears."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.ends: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.started, self.go_on = threading.Event(), threading.Event()

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        if function == "End":
            self.ends.put(event["requestContext"])
        if function != "Echo":
            return {"statusCode": 200}
        self.messages.append(event["body"])
        if event["body"] == "wait":
            self.started.set()
            assert self.go_on.wait(WAIT_S)
        return {"statusCode": 200, "body": event["body"]}

    def drop(self, function: str | None = None) -> None: ...

    def close(self) -> None: ...

    def end(self) -> tuple[int, str]:
        context = self.ends.get(timeout=WAIT_S)
        return context["disconnectStatusCode"], context["disconnectReason"]


@pytest.fixture
def runner() -> EchoRunner:
    return EchoRunner()


@pytest.fixture
def server(runner: EchoRunner) -> Iterator[RunningServer]:
    api = Api(ApiKind.WEBSOCKET, "api", "live", ROUTES, selection=("action",))
    running = serve(Gateway([MountedApi(api, "/socket")], runner), "127.0.0.1", 0)
    yield running
    running.shutdown()


@pytest.fixture
def client(server: RunningServer) -> Iterator[ClientConnection]:
    with connect(address(server), max_size=None, close_timeout=WAIT_S) as opened:
        yield opened


def address(server: RunningServer) -> str:
    return f"ws://127.0.0.1:{server.port}/socket"


def echo(client: ClientConnection, message: str) -> str:
    client.send(message)
    return str(client.recv(timeout=WAIT_S))


def closed(client: ClientConnection) -> int:
    """The code that the server closes with."""
    with pytest.raises(ConnectionClosed) as ending:
        client.recv(timeout=WAIT_S)
    assert ending.value.rcvd is not None
    return ending.value.rcvd.code


def test_messages_are_answered_in_their_order(client: ClientConnection) -> None:
    for number in range(20):
        client.send(f"message {number} €")

    assert [client.recv(timeout=WAIT_S) for _ in range(20)] == [f"message {n} €" for n in range(20)]


def test_a_message_may_come_in_parts(client: ClientConnection) -> None:
    client.send(["one ", "two ", "three"])

    assert client.recv(timeout=WAIT_S) == "one two three"


def test_a_message_nested_too_deep_to_be_read_as_json_is_a_message_like_any_other(
    client: ClientConnection,
) -> None:
    assert echo(client, "[" * MAX_FRAME_BYTES) == "[" * MAX_FRAME_BYTES
    assert echo(client, "hello") == "hello"


def test_a_ping_is_answered(client: ClientConnection) -> None:
    assert client.ping().wait(WAIT_S)


def test_what_follows_a_handshake_in_the_same_packet_is_read(server: RunningServer) -> None:
    head = (
        "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    hello = b"\x81\x85\0\0\0\0hello"
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as connection:
        connection.sendall(head.encode() + hello)
        received = b""
        while not received.endswith(b"\x81\x05hello"):
            part = connection.recv(65_536)
            assert part
            received += part

    assert received.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in received


def test_messages_up_to_the_quota_pass_and_beyond_it_the_socket_closes(
    client: ClientConnection, runner: EchoRunner
) -> None:
    frame = "a" * MAX_FRAME_BYTES
    frames = [frame] * (MAX_MESSAGE_BYTES // MAX_FRAME_BYTES)
    client.send(frames)
    assert client.recv(timeout=WAIT_S) == "".join(frames)

    client.send([*frames, "a"])

    assert closed(client) == CloseCode.MESSAGE_TOO_BIG
    assert runner.end()[0] == CloseCode.MESSAGE_TOO_BIG


def test_frames_up_to_the_quota_pass_and_beyond_it_the_socket_closes(client: ClientConnection) -> None:
    assert echo(client, "a" * MAX_FRAME_BYTES) == "a" * MAX_FRAME_BYTES

    client.send("a" * (MAX_FRAME_BYTES + 1))

    assert closed(client) == CloseCode.MESSAGE_TOO_BIG


@pytest.mark.parametrize(
    ("message", "code"), [(b"binary", CloseCode.UNSUPPORTED_DATA), (b"\xff", CloseCode.INVALID_DATA)]
)
def test_what_is_no_text_closes_the_socket(
    client: ClientConnection, runner: EchoRunner, message: bytes, code: CloseCode
) -> None:
    client.send(message, text=code is CloseCode.INVALID_DATA)

    assert closed(client) == code
    assert runner.end()[0] == code


def test_an_idle_socket_is_closed(
    server: RunningServer, runner: EchoRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "IDLE_S", 0.05)

    with connect(address(server)) as client:
        assert closed(client) == CloseCode.GOING_AWAY

    assert runner.end() == (CloseCode.GOING_AWAY, "Going away")


def test_the_end_of_a_socket_is_told_with_the_clients_code(
    client: ClientConnection, runner: EchoRunner
) -> None:
    client.send("one more")
    client.close(4001, "done here")

    assert runner.end() == (4001, "done here")
    assert runner.messages == ["one more"]


def test_a_client_that_goes_without_a_word_is_told_of_as_well(
    server: RunningServer, runner: EchoRunner
) -> None:
    with connect(address(server)) as client:
        assert echo(client, "hello") == "hello"

        client.socket.shutdown(socket.SHUT_RDWR)

    assert runner.end() == (CloseCode.ABNORMAL_CLOSURE, "")


def test_a_client_may_close_while_its_message_is_being_served(
    client: ClientConnection, runner: EchoRunner
) -> None:
    client.send("wait")
    assert runner.started.wait(WAIT_S)
    closing = threading.Thread(target=client.close, daemon=True)
    closing.start()
    while client.protocol.state is State.OPEN:  # the client's own: until its close has gone out
        assert closing.is_alive()

    runner.go_on.set()

    assert runner.end() == (CloseCode.NORMAL_CLOSURE, "")
    closing.join(WAIT_S)


def test_one_socket_does_not_wait_for_another(
    server: RunningServer, client: ClientConnection, runner: EchoRunner
) -> None:
    client.send("wait")
    assert runner.started.wait(WAIT_S)

    with connect(address(server)) as other:
        assert echo(other, "hello") == "hello"

    runner.go_on.set()
    assert client.recv(timeout=WAIT_S) == "wait"


def test_a_refused_handshake_leaves_the_connection_to_http(server: RunningServer) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(address(server) + "/other"):
        pass

    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"") == {"message": "Forbidden"}


def test_shutdown_ends_open_sockets_at_once_and_tells_nobody(runner: EchoRunner) -> None:
    api = Api(ApiKind.WEBSOCKET, "api", "live", ROUTES, selection=("action",))
    running = serve(Gateway([MountedApi(api, "/socket")], runner), "127.0.0.1", 0)
    with contextlib.ExitStack() as sockets:
        clients = [sockets.enter_context(connect(address(running))) for _ in range(5)]
        assert [echo(client, "hello") for client in clients] == ["hello"] * 5

        running.shutdown()

        for client in clients:
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=WAIT_S)
    assert runner.ends.empty()
