"""The loopback address, and free ports on it."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"
# Of `make run`, where PORT names no other.
DEFAULT_PORT = 3000


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def port_number(text: str) -> int:
    """The port that a setting names. Raises ValueError."""
    if not text.isascii() or not text.isdecimal() or len(text) > 5 or not 0 < int(text) < 65536:
        raise ValueError(f"PORT must be a port number from 1 to 65535, not {text!r}")
    return int(text)
