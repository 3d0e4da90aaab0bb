"""A MySQL is found by what it says, else unpacked, and then started by the C library that came with it."""

import os
import stat
from pathlib import Path

import pytest

from local.servers.database import mysql
from local.servers.database.mariadb import MariaDb
from local.servers.database.mysql import MySql, mysql_program
from local.servers.database.private import private_server
from local.servers.database.program import NoServer, Program

MYSQL = "Ver 9.7.4-2 for Debian on x86_64 ((Debian))"
MARIADB = "Ver 10.11.18-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)"
ARCHITECTURES = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}


def executable(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(stat.S_IRWXU)
    return path


def install(root: Path, version: str = MYSQL) -> Path:
    """A server that says its version, as one is installed. Returns its program."""
    return executable(root / "usr/sbin/mysqld", f"echo '/usr/sbin/mysqld  {version}'")


def unpack(tree: Path, machine: str = "x86_64") -> list[Path]:
    """A server with its C library, whose loader starts a program as loaders do. Returns the folders of libraries."""
    libraries = [tree / f"lib/{machine}-linux-gnu", tree / f"usr/lib/{machine}-linux-gnu"]
    for folder in libraries:
        folder.mkdir(parents=True)
    executable(libraries[1] / ARCHITECTURES[machine], '[ "$1" = --library-path ] && shift 2 && exec "$@"')
    install(tree)
    return [*libraries, tree / "usr/lib/mysql/private"]


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a server nor a way to bring one."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("local.servers.database.program.FOLDERS", ())
    bringing(monkeypatch, tmp_path, "exit 1")


def bringing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """What `scripts/mysql-server FOLDER` does."""
    monkeypatch.setattr(mysql, "_BRING", executable(tmp_path / "bring", script))


def on_the_path(monkeypatch: pytest.MonkeyPatch, *programs: Path) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(str(program.parent) for program in programs))


def test_an_installed_server_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack(tmp_path / "tree")
    program = install(tmp_path / "machine")
    on_the_path(monkeypatch, program)

    assert mysql_program(tmp_path / "tree") == Program((str(program), "--no-defaults"), {})


def test_a_server_off_an_ordinary_users_path_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = install(tmp_path)
    monkeypatch.setattr("local.servers.database.program.FOLDERS", (str(program.parent),))

    assert mysql_program(tmp_path / "tree").command[0] == str(program)


def test_mariadb_by_the_same_name_and_what_does_not_run_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mariadb = install(tmp_path / "mariadb", MARIADB)
    broken = executable(tmp_path / "broken/mysqld", "echo 'cannot open shared object file' >&2; exit 127")
    good = install(tmp_path / "good")
    on_the_path(monkeypatch, mariadb, broken, good)

    assert mysql_program(tmp_path / "tree").command[0] == str(good)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_an_unpacked_one_is_started_by_the_loader_and_libraries_that_came_with_it(
    tmp_path: Path, machine: str
) -> None:
    libraries = unpack(tmp_path / "tree", machine)

    loader, *options = mysql_program(tmp_path / "tree").command

    assert loader == str(libraries[1] / ARCHITECTURES[machine])
    assert options[:2] == ["--library-path", ":".join(map(str, libraries))]
    assert options[2:4] == [str(tmp_path / "tree/usr/sbin/mysqld"), "--no-defaults"]
    assert f"--basedir={tmp_path}/tree/usr" in options


def test_where_there_is_none_one_is_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack(tmp_path / "packages")
    bringing(monkeypatch, tmp_path, f'/bin/mv {tmp_path}/packages "$1"')

    found = mysql_program(tmp_path / "state" / "tree")

    assert str(tmp_path / "state/tree/usr/sbin/mysqld") in found.command


def test_an_unpacked_one_that_runs_no_longer_is_brought_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "tree/usr/sbin/mysqld", "exit 127")
    unpack(tmp_path / "packages")
    bringing(monkeypatch, tmp_path, f'/bin/rm -r "$1"; /bin/mv {tmp_path}/packages "$1"')

    assert "ld-linux" in mysql_program(tmp_path / "tree").command[0]


def test_where_none_can_be_brought_it_says_what_was_seen_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mariadb = install(tmp_path, MARIADB)
    on_the_path(monkeypatch, mariadb)

    with pytest.raises(NoServer) as refused:
        mysql_program(tmp_path / "tree")

    text = str(refused.value)
    assert "none could be fetched" in text
    assert f"{mariadb} is MariaDB" in text
    assert "TOKENS_DB_URL=" in text


@pytest.mark.parametrize(
    ("kind", "made"), [(None, MariaDb), ("", MariaDb), ("mariadb", MariaDb), ("mysql", MySql)]
)
def test_the_environment_says_which_server_is_started(
    kind: str | None, made: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKENS_DB", raising=False)
    if kind is not None:
        monkeypatch.setenv("TOKENS_DB", kind)

    assert type(private_server(tmp_path)) is made


@pytest.mark.parametrize("kind", ["MySQL", "postgres", " "])
def test_an_unknown_kind_of_server_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENS_DB", kind)

    with pytest.raises(ValueError, match="TOKENS_DB must be one of mariadb, mysql"):
        private_server(tmp_path)


def test_the_environment_adds_options_of_the_server_behind_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENS_DB_OPTIONS", "--innodb-snapshot-isolation=OFF --sql-mode='ANSI,NO_ZERO_DATE'")

    server = private_server(tmp_path, options=["--innodb-buffer-pool-size=4G"])

    assert server._options == [
        "--innodb-buffer-pool-size=4G",
        "--innodb-snapshot-isolation=OFF",
        "--sql-mode=ANSI,NO_ZERO_DATE",
    ]
