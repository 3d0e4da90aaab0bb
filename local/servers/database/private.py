"""Chooses the private database server: MariaDB, or MySQL if TOKENS_DB says so."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from local.servers.database.mariadb import MariaDb
from local.servers.database.mysql import MySql
from local.servers.database.server import DatabaseServer

_KINDS: dict[str, type[DatabaseServer]] = {"mariadb": MariaDb, "mysql": MySql}


def private_server(
    state_dir: Path,
    *,
    durable: bool = True,
    options: Sequence[str] = (),
    log_size: str | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> DatabaseServer:
    """A server of the kind that TOKENS_DB names, with the options of TOKENS_DB_OPTIONS after all others.

    log_size: of the redo log, such as "1G". environment: more variables of the serving process.
    Raises ValueError for an unknown kind.
    """
    kind = os.environ.get("TOKENS_DB") or "mariadb"
    if kind not in _KINDS:
        raise ValueError(f"TOKENS_DB must be one of {', '.join(_KINDS)}, not {kind!r}")
    made = _KINDS[kind]
    log = [f"{made.log_size_option}={log_size}"] if log_size else []
    more = shlex.split(os.environ.get("TOKENS_DB_OPTIONS") or "")
    return made(state_dir, durable=durable, options=[*options, *log, *more], environment=environment)
