"""TLS to the database is verified before anything secret leaves: real servers, and one that only listens."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
from auth_tokens.adapters.mysql.iam_login import login_token
from auth_tokens.domain.errors import Unavailable
from local.host.certificates import Authority
from local.servers.database.private import private_server
from tests.support.fake_mysql import FakeMySql
from tests.support.half_dead import HalfDead, Way

HOST = "localhost"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "session",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "private-ca")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "strange-ca")


@pytest.fixture(scope="module")
def server(authority: Authority, run_dir: Path) -> Iterator[DatabaseConfig]:
    """A server with a certificate for `localhost`, and how a function connects to it."""
    certificate, key = authority.issue(HOST)
    options = [f"--ssl-cert={certificate}", f"--ssl-key={key}"]
    server = private_server(run_dir / "tls", durable=False, options=options)
    server.start()
    server.wait()
    at = server.address
    yield DatabaseConfig(HOST, at.port, at.name, at.user, at.password, ca_file=str(authority.ca_file))
    server.stop()


def opened(config: DatabaseConfig) -> contextlib.closing[Database]:
    return contextlib.closing(Database(config))


def cipher_of(config: DatabaseConfig) -> str:
    with opened(config) as database:
        [row] = database.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    return str(row["Value"])


def iam(fake: FakeMySql, ca: Authority, host: str = HOST) -> DatabaseConfig:
    """A function with IAM login, pointed at the fake server."""
    return DatabaseConfig(
        host, fake.port, "portal", "auth_tokens_writer", None, "eu-west-1", CREDENTIALS, str(ca.ca_file)
    )


def assert_refused(config: DatabaseConfig) -> None:
    with opened(config) as database, pytest.raises(Unavailable):
        database.query("SELECT 1")


def test_a_server_of_the_trusted_authority_is_let_talk_over_tls(server: DatabaseConfig) -> None:
    assert cipher_of(server)


def test_a_server_of_another_authority_is_refused(server: DatabaseConfig, stranger: Authority) -> None:
    assert_refused(replace(server, ca_file=str(stranger.ca_file)))


def test_a_server_that_the_systems_authorities_do_not_know_is_refused(server: DatabaseConfig) -> None:
    assert_refused(replace(server, ca_file=""))


def test_a_server_by_another_name_than_its_certificates_is_refused(server: DatabaseConfig) -> None:
    assert_refused(replace(server, host="127.0.0.1"))


def test_a_server_without_tls_is_refused(run_dir: Path, authority: Authority) -> None:
    server = private_server(run_dir / "plain", durable=False)
    server.start()
    try:
        server.wait()
        at = server.address
        assert_refused(
            DatabaseConfig(HOST, at.port, at.name, at.user, at.password, ca_file=str(authority.ca_file))
        )
    finally:
        server.stop()


@pytest.mark.parametrize("is_open", [True, False], ids=["an open connection", "a handshake"])
def test_bytes_that_come_one_by_one_over_tls_are_not_waited_for(
    server: DatabaseConfig, is_open: bool
) -> None:
    with (
        HalfDead(server.host, server.port, drip_s=0.1) as host,
        opened(replace(server, port=host.port, timeout_s=1)) as database,
    ):
        if is_open:
            database.query("SELECT 1")
        host.falls_ill(Way.DRIPS)
        began = time.monotonic()

        with pytest.raises(Unavailable):
            database.query("SELECT 1")

    assert time.monotonic() - began < 5  # an answer takes 10 s, a handshake minutes


def test_an_iam_token_reaches_a_verified_server_in_clear_inside_tls(authority: Authority) -> None:
    with FakeMySql(authority.issue(HOST)) as fake, opened(iam(fake, authority)) as database:
        assert database.execute("DELETE FROM t") == 0

    assert fake.password is not None
    token, _, signature = fake.password.partition("&X-Amz-Signature=")
    assert token.startswith(f"{HOST}:{fake.port}/?Action=connect&DBUser=auth_tokens_writer&")
    assert len(signature) == 64
    assert fake.statements == ["SET NAMES utf8mb4", "DELETE FROM t"]


def test_each_connection_gets_a_token_of_its_own_time(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def noted(*arguments: object) -> str:
        made.append(login_token(*arguments))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr("auth_tokens.adapters.mysql.connection.login_token", noted)
    passwords = []
    for _ in range(2):
        with FakeMySql(authority.issue(HOST)) as fake, opened(iam(fake, authority)) as database:
            database.execute("DELETE FROM t")
        passwords.append(fake.password)

    assert passwords == made and len(made) == 2


def test_no_name_and_no_token_reaches_a_server_that_offers_no_tls(authority: Authority) -> None:
    with FakeMySql(None) as fake:
        assert_refused(iam(fake, authority))

    assert fake.received == b""


@pytest.mark.parametrize("case", ["another authority", "another name"])
def test_no_name_and_no_token_reaches_a_server_that_fails_verification(
    case: str, authority: Authority, stranger: Authority
) -> None:
    trusted, name = (stranger, HOST) if case == "another authority" else (authority, "db.example")
    with FakeMySql(authority.issue(name)) as fake:
        assert_refused(iam(fake, trusted))

    assert fake.password is None
    assert len(fake.received) == 32, "the wish for TLS: capabilities, packet size, character set"
    assert b"auth_tokens" not in fake.received


def test_an_iam_login_without_verified_tls_cannot_even_be_configured() -> None:
    with pytest.raises(ValueError, match="verified TLS"):
        DatabaseConfig(HOST, 3306, "portal", "u", None, verify_tls=False)
