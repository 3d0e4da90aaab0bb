"""The login of a client: greeting, TLS, user name, token. mysql-mimic makes and parses the packets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from mysql_mimic import packets
from mysql_mimic.charset import CharacterSet
from mysql_mimic.types import Capabilities, ServerStatus

from local.servers.rds_proxy.iam import TokenRefused
from local.servers.rds_proxy.options import Account
from local.servers.rds_proxy.wire import Wire, framed

_PLUGIN = "mysql_clear_password"
# The flags that change what statements do or answer. A server connection has them as its client asked.
OF_THE_CLIENT = (
    Capabilities.CLIENT_FOUND_ROWS | Capabilities.CLIENT_IGNORE_SPACE | Capabilities.CLIENT_MULTI_STATEMENTS
)
# Without compression and other forms of answers (DEPRECATE_EOF, SESSION_TRACK), as on the server connections.
_OFFERED = (
    OF_THE_CLIENT
    | Capabilities.CLIENT_LONG_PASSWORD
    | Capabilities.CLIENT_LONG_FLAG
    | Capabilities.CLIENT_CONNECT_WITH_DB
    | Capabilities.CLIENT_PROTOCOL_41
    | Capabilities.CLIENT_SSL
    | Capabilities.CLIENT_TRANSACTIONS
    | Capabilities.CLIENT_SECURE_CONNECTION
    | Capabilities.CLIENT_MULTI_RESULTS
    | Capabilities.CLIENT_PLUGIN_AUTH
    | Capabilities.CLIENT_CONNECT_ATTRS
    | Capabilities.CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
)
_VERSION = "8.0.0-rds-proxy-stand-in"
_NONCE = b"0" * 20 + b"\0"  # not used, because the password is sent in clear
ACCESS_DENIED, TLS_REQUIRED = 1045, 3159

CheckToken = Callable[[str, str], None]


class LoginRefused(Exception):
    """The login was refused, and the client has been answered. The text says why."""


@dataclass(frozen=True, slots=True)
class Login:
    """A client that has logged in. charset: of its handshake."""

    wire: Wire
    account: Account
    database: str | None
    charset: str


def log_in(plain: socket.socket, tls: ssl.SSLContext, connection_id: int, check: CheckToken) -> Login:
    """Carries out a login. check: verifies token and user, and raises TokenRefused.

    Raises LoginRefused, EOFError, OSError, and ValueError for a malformed handshake.
    """
    wire = Wire(plain, is_greedy=False)
    wire.send(framed(0, _greeting(connection_id)))
    packet = wire.read()
    if not isinstance(packets.parse_handshake_response(_OFFERED, packet.payload), packets.SSLRequest):
        wire.send(framed(packet.number + 1, error(TLS_REQUIRED, "This proxy requires TLS")))
        raise LoginRefused("no TLS")
    wire = Wire(tls.wrap_socket(plain, server_side=True))
    packet = wire.read()
    response = packets.parse_handshake_response(_OFFERED, packet.payload)
    if isinstance(response, packets.SSLRequest):
        raise ValueError("TLS within TLS")
    token = response.auth_response
    if response.client_plugin != _PLUGIN:
        switch = packets.make_auth_switch_request(CharacterSet.utf8mb4, _PLUGIN, _NONCE)
        wire.send(framed(packet.number + 1, switch))
        packet = wire.read()
        token = packet.payload
    user = response.username
    try:
        check(token.rstrip(b"\0").decode("utf-8", "replace"), user)
    except TokenRefused as exc:
        denied = f"Access denied for user '{user}' (using password: YES)"
        wire.send(framed(packet.number + 1, error(ACCESS_DENIED, denied)))
        raise LoginRefused(str(exc)) from exc
    wire.send(framed(packet.number + 1, ok()))
    flags = int(response.capabilities & OF_THE_CLIENT)
    account = Account(user, flags)
    return Login(wire, account, response.database or None, response.client_charset.name)


def ok() -> bytes:
    """The packet for a command that succeeded, outside of a transaction."""
    payload: bytes = packets.make_ok(_OFFERED, ServerStatus.SERVER_STATUS_AUTOCOMMIT)
    return payload


def error(number: int, message: str) -> bytes:
    """The packet for an error of the proxy itself."""
    payload: bytes = packets.make_error(_OFFERED, CharacterSet.utf8mb4, message, number)
    return payload


def _greeting(connection_id: int) -> bytes:
    payload: bytes = packets.make_handshake_v10(
        capabilities=_OFFERED,
        server_charset=CharacterSet.utf8mb4,
        server_version=_VERSION,
        connection_id=connection_id,
        auth_data=_NONCE,
        status_flags=ServerStatus.SERVER_STATUS_AUTOCOMMIT,
        auth_plugin_name=_PLUGIN,
    )
    return payload
