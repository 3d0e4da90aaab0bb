"""Sockets with a deadline, which holds however slowly the peer sends.

A socket's timeout restarts with each byte that arrives, so it never ends the wait for a server that sends one a second.
"""

import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from auth_tokens.time_left import call_within

if TYPE_CHECKING:
    _Base = socket.socket
else:
    _Base = object


class _Bounded(_Base):
    """ends_at: time.monotonic() after which each wait raises TimeoutError; set again for each statement."""

    ends_at = float("inf")

    def recv_into(self, *where: Any) -> int:
        self.wait_until_the_end()
        return super().recv_into(*where)

    def wait_until_the_end(self) -> None:
        left_s = self.ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        self.settimeout(left_s)


class BoundedSocket(_Bounded, socket.socket):
    """Before TLS, or without."""

    def sendall(self, *what: Any) -> None:
        self.wait_until_the_end()  # one time-out for all of it (socket.sendall)
        super().sendall(*what)


class BoundedTlsSocket(_Bounded, ssl.SSLSocket):
    """What an SSLContext makes of a BoundedSocket, as its `sslsocket_class`. The handshake as a whole has the time-out
    that the socket had when it was wrapped."""

    def send(self, *what: Any) -> int:
        self.wait_until_the_end()  # sendall calls this, once a record
        return super().send(*what)


def connected(host: str, port: int, ends_at: float) -> BoundedSocket:
    """A connection to the first of the host's addresses that takes one. Raises OSError.

    Each address gets its share of the time that is left, so that an unreachable one leaves time for the next.
    """
    addresses = _addresses(host, port, ends_at)
    for untried in range(len(addresses), 0, -1):
        address = addresses[-untried]
        try:
            return _connected(address, ends_at, share=untried)
        except OSError:
            if untried == 1:
                raise
    raise OSError(f"no address of {host}")


def _connected(found: Any, ends_at: float, share: int) -> BoundedSocket:
    """found: an address as getaddrinfo returns it."""
    family, kind, protocol, _, address = found
    plain = BoundedSocket(family, kind, protocol)
    try:
        plain.ends_at = ends_at
        plain.wait_until_the_end()
        plain.settimeout((plain.gettimeout() or 0) / share)
        plain.connect(address)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except BaseException:
        plain.close()
        raise
    return plain


def _addresses(host: str, port: int, ends_at: float) -> list[Any]:
    """A resolver's timeout cannot be set: glibc tries each name server twice, 5 s each."""
    look_up: Callable[[], list[Any]] = lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # noqa: E731
    return call_within(ends_at - time.monotonic(), look_up)
