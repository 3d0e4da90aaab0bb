"""As much of a MySQL server as an RDS IAM login needs: asks for the password in clear, and notes what comes."""

import contextlib
import socket
import ssl
import struct
import threading
from pathlib import Path
from types import TracebackType

HOST = "127.0.0.1"
# Capabilities (protocol 4.1, secure connection, plugin auth, connect with database); TLS is offered on top.
_CAPABILITIES = 0x0200 | 0x8000 | 0x80000 | 0x0008
_TLS = 0x0800
_OK = b"\x00\x00\x00\x02\x00\x00\x00"


class FakeMySql:
    """Serves one login. certificate: (certificate, key) for TLS; None: a server, or somebody in between, without TLS.

    received: every byte that came in clear, before or without TLS; password: what the client sent when asked
    for it in clear; statements: the queries after a login.
    """

    def __init__(self, certificate: tuple[Path, Path] | None) -> None:
        self._certificate = certificate
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.received = b""
        self.password: str | None = None
        self.statements: list[str] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "FakeMySql":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError, EOFError):
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(5)
                self._login(connection)

    def _login(self, plain: socket.socket) -> None:
        _send(plain, 0, self._greeting())
        if self._certificate is None:
            self.received += _rest(plain)
            return
        self.received += _packet(plain)[1]  # the wish for TLS: capabilities and character set, no name
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._certificate)
        with context.wrap_socket(plain, server_side=True) as secure:
            number, _ = _packet(secure)  # user name, database, and a hash for the plugin of the greeting
            _send(secure, number + 1, b"\xfemysql_clear_password\0")
            number, password = _packet(secure)
            self.password = password.rstrip(b"\0").decode()
            _send(secure, number + 1, _OK)
            while (packet := _packet(secure)[1])[:1] == b"\x03":
                self.statements.append(packet[1:].decode())
                _send(secure, 1, _OK)

    def _greeting(self) -> bytes:
        capabilities = _CAPABILITIES | (_TLS if self._certificate else 0)
        salt = b"12345678", b"123456789012\0"
        return (
            b"\x0a8.0.0-fake\0"
            + struct.pack("<I", 1)
            + salt[0]
            + b"\0"
            + struct.pack("<HBHHB", capabilities & 0xFFFF, 45, 2, capabilities >> 16, 21)
            + bytes(10)
            + salt[1]
            + b"mysql_native_password\0"
        )


def _send(connection: socket.socket, number: int, payload: bytes) -> None:
    connection.sendall(struct.pack("<I", len(payload))[:3] + bytes([number]) + payload)


def _packet(connection: socket.socket) -> tuple[int, bytes]:
    head = _exactly(connection, 4)
    return head[3], _exactly(connection, int.from_bytes(head[:3], "little"))


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _rest(connection: socket.socket) -> bytes:
    data = b""
    while more := connection.recv(4096):
        data += more
    return data
