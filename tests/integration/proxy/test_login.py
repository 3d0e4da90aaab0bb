"""Logging in at the stand-in for RDS Proxy: TLS of its authority, a token of the user, 1045 for anything else."""

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
from auth_tokens.domain.errors import Unavailable
from local.host.certificates import Authority
from local.servers.database.address import DatabaseAddress, connect
from local.servers.rds_proxy.proxy import HOST
from tests.support.proxies import CREDENTIALS, Proxied, proxied, through, wait_until


@pytest.fixture
def made(database: DatabaseAddress, tmp_path: Path) -> Iterator[Proxied]:
    with proxied(database, tmp_path) as proxy:
        yield proxy


def refused(config: DatabaseConfig) -> str:
    """Why the service says it has no database."""
    with contextlib.closing(Database(config)) as database, pytest.raises(Unavailable) as raised:
        database.query("SELECT 1")
    return raised.value.detail


def test_a_function_logs_in_by_a_token_and_works_as_the_same_user_with_its_password(made: Proxied) -> None:
    with made.database() as database:
        [row] = database.query("SELECT CURRENT_USER() AS user")

    assert row["user"].partition("@")[0] == made.at.user
    assert made.proxy.refusals == []


WRONG: Mapping[str, dict[str, Any]] = {
    "another region": {"region": "us-east-1"},
    "an unknown key": {"credentials": {**CREDENTIALS, "AWS_ACCESS_KEY_ID": "AKIAOTHER"}},
    "a wrong secret": {"credentials": {**CREDENTIALS, "AWS_SECRET_ACCESS_KEY": "guessed"}},
    "a user without a secret": {"user": "somebody"},
    "the database's own password": {"password": "of the database"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_login_is_refused_as_a_wrong_password_is_with(change: dict[str, Any], made: Proxied) -> None:
    if "password" in change:
        change = {"password": made.at.password}

    assert refused(replace(made.config, **change)) == "database error 1045"
    wait_until(lambda: len(made.proxy.refusals) == 1)
    assert made.proxy.opened == 0


def test_who_is_refused_cannot_go_on(made: Proxied) -> None:
    with pytest.raises(pymysql.err.OperationalError) as denied:
        through(made, password="guessed")

    assert denied.value.args == (1045, f"Access denied for user '{made.at.user}' (using password: YES)")
    wait_until(lambda: made.proxy.clients == 0)


@pytest.mark.parametrize(("age_s", "is_good"), [(890, True), (910, False)])
def test_a_token_is_good_for_15_minutes_of_the_proxys_clock(
    age_s: int, is_good: bool, database: DatabaseAddress, tmp_path: Path
) -> None:
    with proxied(database, tmp_path, clock=lambda: time.time() + age_s) as late, late.database() as opened:
        if is_good:
            assert opened.query("SELECT 1 AS one") == [{"one": 1}]
        else:
            assert refused(late.config) == "database error 1045"


def test_a_client_without_tls_is_refused_before_it_is_asked_for_a_password(made: Proxied) -> None:
    with pytest.raises(pymysql.err.OperationalError) as denied:
        connect(replace(made.at, host=HOST, port=made.proxy.port, password="x"))

    assert denied.value.args[0] == 3159
    wait_until(lambda: made.proxy.refusals == ["no TLS"])


def test_a_client_that_trusts_another_authority_or_name_does_not_log_in(
    made: Proxied, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "strange-ca")

    assert refused(replace(made.config, ca_file=str(stranger.ca_file))) == "database error 2003"
    assert refused(replace(made.config, host="127.0.0.1")) == "database error 2003"
    assert made.proxy.opened == 0


@pytest.mark.parametrize(
    "noise", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\x00\x01\x00", b"\xff" * 300, bytes(300)]
)
def test_noise_ends_its_own_connection_only(noise: bytes, made: Proxied) -> None:
    with socket.create_connection((HOST, made.proxy.port), 5) as connection:
        connection.sendall(noise)
    wait_until(lambda: made.proxy.clients == 0)
    with made.database() as database:
        assert database.query("SELECT 1 AS one") == [{"one": 1}]
