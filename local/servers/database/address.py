"""Where a database is, and how to connect to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql.cursors import Cursor

USER = "tokens"
DATABASE = "portal"
# In quotes: at run time the class cannot be subscripted.
Connection: TypeAlias = "pymysql.Connection[Cursor]"


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is, and who may use it."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


def connect(at: DatabaseAddress, **options: Any) -> Connection:
    """A connection without TLS, on which each statement is its own transaction (autocommit).

    options: of pymysql.connect; they replace the ones above. database=None connects without a schema.
    Raises pymysql.err.MySQLError.
    """
    given = {
        "host": at.host,
        "port": at.port,
        "user": at.user,
        "password": at.password,
        "database": at.name,
        "autocommit": True,
        "ssl_disabled": True,
        **options,
    }
    return pymysql.connect(**given)


def database_address(url: str) -> DatabaseAddress:
    """The address in `mysql://user:password@host:port/database`. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "mysql" or not parts.hostname or not parts.username:
        raise ValueError("TOKENS_DB_URL must be like mysql://user:password@host:3306/database")
    name = parts.path.strip("/") or DATABASE
    user, password = unquote(parts.username), unquote(parts.password or "")
    return DatabaseAddress(parts.hostname, parts.port or 3306, name, user, password)
