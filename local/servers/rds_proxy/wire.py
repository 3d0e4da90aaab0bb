"""MySQL packets on one socket. They are not compressed, and are relayed without being decoded."""

from __future__ import annotations

import socket
import struct
from collections.abc import Generator
from dataclasses import dataclass

from pymysql.constants import SERVER_STATUS
from pymysql.protocol import EOFPacketWrapper, MysqlPacket, OKPacketWrapper

_FULL = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, whose parts are joined. raw: with the headers of all parts. number: the sequence id of the last."""

    raw: bytes
    payload: bytes
    number: int

    @property
    def is_error(self) -> bool:
        return self.payload[:1] == b"\xff"

    @property
    def is_eof(self) -> bool:
        return MysqlPacket(self.payload, "latin-1").is_eof_packet()


def framed(number: int, payload: bytes) -> bytes:
    """The bytes of a packet of less than 16 MB."""
    return struct.pack("<I", len(payload))[:3] + bytes([number & 0xFF]) + payload


class Wire:
    """Reads and sends packets. is_greedy: whether it may read ahead, which it must not before TLS begins."""

    def __init__(self, connection: socket.socket, *, is_greedy: bool = True) -> None:
        self.socket = connection
        self._file = connection.makefile("rb", -1 if is_greedy else 0)

    def read(self) -> Packet:
        """The next packet. Raises EOFError, OSError."""
        raw, payload = b"", b""
        while True:
            head = self._exactly(4)
            length = int.from_bytes(head[:3], "little")
            part = self._exactly(length)
            raw, payload = raw + head + part, payload + part
            if length < _FULL:
                return Packet(raw, payload, head[3])

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._file.read(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data


def answer(server: Wire) -> Generator[Packet, None, int | None]:
    """Yields the packets of the answer to one query, with all its results.

    Returns the server's status at the end; None after an error, which has no status. Raises EOFError, OSError.
    """
    while True:
        first = server.read()
        yield first
        if first.is_error:
            return None
        if first.payload[:1] == b"\0":
            status = int(OKPacketWrapper(MysqlPacket(first.payload, "latin-1")).server_status)
        else:
            yield from _until_eof(server)  # the columns
            last = yield from _until_eof(server)  # the rows
            if last.is_error:
                return None
            status = int(EOFPacketWrapper(MysqlPacket(last.payload, "latin-1")).server_status)
        if not status & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS:
            return status


def _until_eof(server: Wire) -> Generator[Packet, None, Packet]:
    while True:
        packet = server.read()
        yield packet
        if packet.is_eof or packet.is_error:
            return packet
