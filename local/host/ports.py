"""The loopback address, and free ports on it."""

from __future__ import annotations

import errno
import os
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


class PortRefused(Exception):
    """A port that cannot be listened on. The text says why, and what to do."""


def wanted_port(command: str, default: int) -> int:
    """The port that PORT names, or the default, and that nobody has; 0 is any. command: whose, for the refusal.

    Raises ValueError, PortRefused.
    """
    text = os.environ.get("PORT", "")
    port = port_number(text) if text else default
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as exc:
            why = "is taken" if exc.errno == errno.EADDRINUSE else f"cannot be used ({exc.strerror})"
            raise PortRefused(f"port {port} {why}; choose another: {command} PORT=3001") from exc
    return port
