"""Connections of a process share one TLS context: building one costs about 50 ms."""

from typing import Any

import pytest

from auth_tokens.adapters.mysql import connection
from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
from auth_tokens.domain.errors import Unavailable


def test_connections_of_a_process_share_one_verifying_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    contexts: list[Any] = []

    def refuse(*_: object, **options: Any) -> None:
        contexts.append(options["ssl"])
        raise connection.pymysql.err.OperationalError(2003, "away")

    monkeypatch.setattr(connection, "_Connection", refuse)
    for host in ("one.example", "two.example"):
        config = DatabaseConfig(host, 3306, "db", "user", password="x")
        for _ in range(2):
            with pytest.raises(Unavailable):
                Database(config).query("SELECT 1")

    assert len(contexts) == 4
    assert len(set(map(id, contexts))) == 1
    assert contexts[0].check_hostname
    assert contexts[0].verify_mode == connection.ssl.CERT_REQUIRED
