"""HTTP on the wire: what is served, what is refused, and how connections end."""

import http.client
import json
import socket
from collections.abc import Iterator
from socketserver import StreamRequestHandler
from typing import Any

import pytest

from local.gateway.exchange import Exchange
from local.gateway.gateway import MAX_PAYLOAD_BYTES, Gateway
from local.gateway.server import RunningServer, serve
from local.http.messages import GatewayRequest, GatewayResponse, json_response
from local.templates.model import Api, ApiKind, MountedApi, Route


class EchoRunner:
    """Every function answers the event it got, or what the event's path asks for."""

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        if event["rawPath"] == "/crash":
            raise RuntimeError("secret detail")
        if event["rawPath"] == "/nothing":
            return {"statusCode": 204, "headers": {"X-Nothing": "1"}}
        return {"statusCode": 200, "body": json.dumps(event), "cookies": ["a=1", "b=2"]}

    def drop(self, function: str | None = None) -> None: ...

    def close(self) -> None: ...


def local_routes(request: GatewayRequest) -> GatewayResponse | None:
    return json_response(200, {"message": "local"}) if request.path == "/_local/ping" else None


@pytest.fixture(scope="module")
def logged() -> list[Exchange]:
    """What the server has logged so far."""
    return []


@pytest.fixture(scope="module")
def server(logged: list[Exchange]) -> Iterator[RunningServer]:
    api = Api(ApiKind.HTTP, "api", "$default", (Route("ANY", "$default", "Echo"),))
    running = serve(Gateway([MountedApi(api)], EchoRunner()), "127.0.0.1", 0, local_routes, logged.append)
    yield running
    running.shutdown()


def exchange(server: RunningServer, data: bytes) -> bytes:
    """Sends bytes and reads until the server closes or says nothing for a while."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65_536):
            received += part
        return received


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body(answer: bytes) -> Any:
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])


def get(target: str, *headers: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def post(payload: bytes, *headers: str) -> bytes:
    lines = ["POST /x HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + payload


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a/b", "/a/b", ""),
        ("//a//b", "//a//b", ""),
        ("/a/../b/./c", "/a/../b/./c", ""),
        ("/a?b=c?d&e", "/a", "b=c?d&e"),
        ("/a?", "/a", ""),
        ("http://localhost/a?b", "/a", "b"),
        ("http://localhost", "/", ""),
    ],
)
def test_the_target_arrives_as_it_was_sent(server: RunningServer, target: str, path: str, query: str) -> None:
    event = body(exchange(server, get(target)))

    assert (event["rawPath"], event["rawQueryString"]) == (path, query)


def test_repeated_headers_all_arrive(server: RunningServer) -> None:
    event = body(exchange(server, get("/", "X-A: 1", "x-a: 2", "X-B:  spaced  ")))

    assert event["headers"]["x-a"] == "1,2"
    assert event["headers"]["x-b"] == "spaced"


def test_the_callers_address_is_the_sockets(server: RunningServer) -> None:
    event = body(exchange(server, get("/", "X-Forwarded-For: 203.0.113.9")))

    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


def test_repeated_answer_headers_all_leave(server: RunningServer) -> None:
    head = exchange(server, get("/")).split(b"\r\n\r\n")[0].lower()

    assert b"set-cookie: a=1" in head
    assert b"set-cookie: b=2" in head


def test_a_connection_serves_many_requests(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    delays_off = []

    def setup(handler: StreamRequestHandler) -> None:
        set_up(handler)
        delays_off.append(handler.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    set_up = StreamRequestHandler.setup
    monkeypatch.setattr(StreamRequestHandler, "setup", setup)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)

    for number in range(50):
        connection.request("POST", f"/{number}", body=b"x" * number)
        answer = connection.getresponse()
        assert json.loads(answer.read())["rawPath"] == f"/{number}"
    connection.close()

    # One connection, and none of Nagle's algorithm: against delayed acknowledgements it costs 40 ms a request.
    assert len(delays_off) == 1
    assert delays_off[0]


def test_pipelined_requests_are_answered_in_order(server: RunningServer) -> None:
    first = b"GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n"

    answers = exchange(server, first + get("/2"))

    assert answers.index(b'"rawPath": "/1"') < answers.index(b'"rawPath": "/2"')


def test_http_1_0_is_answered_and_closed(server: RunningServer) -> None:
    answer = exchange(server, b"GET /old HTTP/1.0\r\n\r\n")

    assert status(answer) == 200
    assert b"Connection: close" in answer


def test_a_head_request_gets_no_body(server: RunningServer) -> None:
    answer = exchange(server, get("/x").replace(b"GET", b"HEAD"))

    head, rest = answer.split(b"\r\n\r\n")
    assert rest == b""
    assert b"Content-Length: 0" not in head


def test_an_answer_without_content_has_no_length(server: RunningServer) -> None:
    answer = exchange(server, get("/nothing"))

    assert status(answer) == 204
    assert b"Content-Length" not in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_chunked_body_arrives_in_one_piece(server: RunningServer) -> None:
    chunks = b"3\r\nabc\r\n4;note=1\r\ndefg\r\n0\r\nX-Trailer: 1\r\n\r\n"

    event = body(exchange(server, post(chunks, "Transfer-Encoding: chunked", "Content-Type: text/plain")))

    assert event["body"] == "abcdefg"
    assert "transfer-encoding" not in event["headers"]


def test_a_client_that_waits_for_leave_to_send_gets_it(server: RunningServer) -> None:
    data = post(b"abc", "Content-Length: 3", "Expect: 100-continue")

    answer = exchange(server, data)

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")


def test_local_paths_are_asked_first(server: RunningServer) -> None:
    assert body(exchange(server, get("/_local/ping"))) == {"message": "local"}
    assert body(exchange(server, get("/_local/other")))["rawPath"] == "/_local/other"


def test_each_exchange_is_logged_without_its_query_before_it_is_answered(
    server: RunningServer, logged: list[Exchange]
) -> None:
    logged.clear()

    answers = [
        exchange(server, data) for data in (get("/a?token=secret"), get("/_local/ping"), b"GET\r\n\r\n")
    ]

    found = [(one.method, one.target, one.status, one.reason) for one in logged]
    assert found == [
        ("GET", "/a?…", 200, ""),
        ("GET", "/_local/ping", 200, ""),
        ("GET", "", 400, "gateway: Bad Request"),
    ]
    assert f"apigw-requestid: {logged[0].request_id}".encode() in answers[0]
    assert 0 < logged[0].duration_s < 5


def test_a_fault_inside_is_500_without_details(server: RunningServer) -> None:
    answer = exchange(server, get("/crash"))

    assert status(answer) == 500
    assert body(answer) == {"message": "Internal Server Error"}


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        get("/a#b"),
        get("/\xe9"),
        get("ftp://localhost/a"),
        b"GET / HTTP/1.1\r\n\r\n",
        get("/", "Host: other"),
        get("/", "No colon"),
        get("/", "Space : before"),
        get("/", " folded: value"),
        get("/", "X-A: 1", " continued"),
        get("/", "X-A: a\x00b"),
        get("/", "X-A: a\rb"),
        get("/", ": empty"),
        post(b"abc", "Content-Length: 3", "Content-Length: 3"),
        post(b"abc", "Content-Length: 3, 3"),
        post(b"abc", "Content-Length: -3"),
        post(b"abc", "Content-Length: +3"),
        post(b"abc", "Content-Length: 0x3"),
        post(b"abc", "Content-Length: 99999999999999999999"),
        post(b"0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 5"),
        post(b"0\r\n\r\n", "Transfer-Encoding: gzip, chunked"),
        post(b"0\r\n\r\n", "Transfer-Encoding: xchunked"),
        post(b"0\r\n\r\n", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        post(b"x\r\n\r\n", "Transfer-Encoding: chunked"),
        post(b"-1\r\n\r\n", "Transfer-Encoding: chunked"),
        post(b"3\r\nabcd\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        post(b"3" + b"0" * 300 + b"\r\n", "Transfer-Encoding: chunked"),
    ],
)
def test_a_request_that_can_be_read_in_two_ways_or_none_is_400(
    server: RunningServer, request_: bytes
) -> None:
    answer = exchange(server, request_)

    assert status(answer) == 400
    assert body(answer) == {"message": "Bad Request"}
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_cut_request_is_not_answered(server: RunningServer) -> None:
    for cut in (b"", b"GET /", get("/")[:-2], post(b"ab", "Content-Length: 3")):
        assert exchange(server, cut) == b""


def test_headers_up_to_the_quota_pass_and_beyond_it_are_431(server: RunningServer) -> None:
    room = 10_240 - len(get("/", "X-A: "))

    assert status(exchange(server, get("/", f"X-A: {'a' * room}"))) == 200
    assert status(exchange(server, get("/", f"X-A: {'a' * (room + 1)}"))) == 431


def test_many_small_headers_count_together(server: RunningServer) -> None:
    assert status(exchange(server, get("/", *[f"X-{n}: {n}" for n in range(2000)]))) == 431


def test_a_request_line_beyond_the_quota_is_414(server: RunningServer) -> None:
    assert status(exchange(server, get("/" + "a" * 11_000))) == 414


def test_a_body_over_ten_megabytes_is_413_even_to_a_client_still_sending(
    server: RunningServer,
) -> None:
    payload = b"a" * (MAX_PAYLOAD_BYTES + 1)

    answer = exchange(server, post(payload, f"Content-Length: {len(payload)}"))

    assert status(answer) == 413
    assert body(answer) == {"message": "Request Entity Too Large"}


def test_a_chunked_body_over_ten_megabytes_is_413(server: RunningServer) -> None:
    chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"

    answer = exchange(server, post(chunk * 11 + b"0\r\n\r\n", "Transfer-Encoding: chunked"))

    assert status(answer) == 413


def test_an_unknown_expectation_is_417(server: RunningServer) -> None:
    assert status(exchange(server, get("/", "Expect: miracles"))) == 417


def test_a_taken_port_is_an_error_at_once(server: RunningServer) -> None:
    with pytest.raises(OSError, match="in use"):
        serve(Gateway([], EchoRunner()), "127.0.0.1", server.port)


def test_shutdown_frees_the_port_and_ends_idle_connections() -> None:
    running = serve(Gateway([], EchoRunner()), "127.0.0.1", 0)
    idle = socket.create_connection(("127.0.0.1", running.port), timeout=5)
    idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert idle.recv(65_536).startswith(b"HTTP/1.1 404 ")

    running.shutdown()
    running.shutdown()

    assert idle.recv(1) == b""
    serve(Gateway([], EchoRunner()), "127.0.0.1", running.port).shutdown()
