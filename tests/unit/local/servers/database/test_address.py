"""One helper connects to every database, and callers replace what they need otherwise."""

from typing import Any

import pymysql
import pytest

from local.servers.database.address import DatabaseAddress, connect, database_address

AT = DatabaseAddress("db.test", 3307, "portal", "tokens", "secret")
PLAIN = {
    "host": "db.test",
    "port": 3307,
    "database": "portal",
    "user": "tokens",
    "password": "secret",
    "autocommit": True,
    "ssl_disabled": True,
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of each connection."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(pymysql, "connect", lambda **arguments: found.append(arguments))
    return found


def test_a_connection_commits_each_statement_and_has_no_tls(asked: list[dict[str, Any]]) -> None:
    connect(AT)

    assert asked == [PLAIN]


def test_an_option_replaces_the_argument_of_its_name(asked: list[dict[str, Any]]) -> None:
    connect(AT, database=None, autocommit=False, read_timeout=0.2)

    assert asked == [{**PLAIN, "database": None, "autocommit": False, "read_timeout": 0.2}]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mysql://tokens:secret@db.test:3307/portal", AT),
        ("mysql://tokens:secret@db.test", DatabaseAddress("db.test", 3306, "portal", "tokens", "secret")),
        ("mysql://a%40b:p%2Fw@h/x", DatabaseAddress("h", 3306, "x", "a@b", "p/w")),
    ],
    ids=["all of it", "port and schema have defaults", "percent escapes"],
)
def test_an_address_is_read_from_a_url(url: str, address: DatabaseAddress) -> None:
    assert database_address(url) == address


@pytest.mark.parametrize("url", ["postgres://u@h/x", "mysql://h/x", "mysql:///x", "portal"])
def test_what_is_no_url_of_a_database_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="TOKENS_DB_URL"):
        database_address(url)
