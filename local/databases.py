"""Which private database server is started: MariaDB, or MySQL where TOKENS_DB says so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from local.database_server import DatabaseServer
from local.mariadb import MariaDb
from local.mysql import MySql

_KINDS: dict[str, type[DatabaseServer]] = {"mariadb": MariaDb, "mysql": MySql}


def private_server(state_dir: Path, *, durable: bool = True, options: Sequence[str] = ()) -> DatabaseServer:
    """A server of the kind that TOKENS_DB names. Raises ValueError for a kind that there is not."""
    kind = os.environ.get("TOKENS_DB") or "mariadb"
    if kind not in _KINDS:
        raise ValueError(f"TOKENS_DB must be one of {', '.join(_KINDS)}, not {kind!r}")
    return _KINDS[kind](state_dir, durable=durable, options=options)
