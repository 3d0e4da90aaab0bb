"""A database server is found by what it says and does, wherever a distribution puts it and calls its files."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.servers.database import mariadb_install
from local.servers.database.mariadb_install import ServerFiles, server_files, usable_server
from local.servers.database.program import NoServer, Unusable

SCRIPTS = ("system_tables.sql", "performance_tables.sql", "system_tables_data.sql")
MARIADB = "11.8.9-MariaDB-0+deb13u1 from Debian"


@dataclass(frozen=True)
class Layout:
    """Where a distribution has its server. share: the folder that the server names, below its prefix; link: what is on
    the PATH where that is not the program itself; names: how those of the scripts begin."""

    program: str
    share: str
    names: str
    link: str = ""

    @property
    def path(self) -> str:
        """The folder that is on the PATH."""
        return str(Path(self.link or self.program).parent)


LAYOUTS = {
    "Debian 12, Ubuntu 24.04": Layout("usr/sbin/mariadbd", "share/mysql", "mysql"),
    "Debian 13": Layout("usr/sbin/mariadbd", "share/mariadb", "mariadb"),
    "an older name": Layout("usr/sbin/mysqld", "share/mysql", "mysql"),
    "the older name is a link": Layout("usr/sbin/mariadbd", "share/mysql", "mysql", link="bin/mysqld"),
    "Fedora": Layout("usr/libexec/mariadbd", "share/mariadb", "mariadb"),
    "Homebrew on Apple silicon": Layout(
        "opt/homebrew/Cellar/mariadb/12.1.2/bin/mariadbd",
        "share/mariadb",
        "mariadb",
        link="opt/homebrew/bin/mariadbd",
    ),
    "Homebrew on Intel": Layout(
        "usr/local/Cellar/mariadb/10.11.2/bin/mariadbd", "share/mysql", "mysql", link="usr/local/bin/mysqld"
    ),
    "MariaDB's own archive": Layout("srv/mariadb-11.8.2/bin/mariadbd", "share", "mariadb"),
    "names that nobody has yet": Layout("usr/sbin/mariadbd", "share/server/sql", "newer"),
}


def install(root: Path, layout: Layout, version: str = MARIADB, *, runs: bool = True) -> Path:
    """Makes the files of a layout; the program answers --help as a server does. Returns what is on the PATH."""
    program = root / layout.program
    share = program.parents[1] / layout.share
    share.mkdir(parents=True)
    for name in (*SCRIPTS, "sys_schema.sql", "test_db.sql"):
        (share / f"{layout.names}_{name}").touch()
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        f"""#!/bin/sh
{"" if runs else "echo 'cannot open shared object file: libaio.so.1' >&2; exit 127"}
for option; do case $option in --basedir=*) base=${{option#--basedir=}} ;; esac; done
printf 'character-sets-dir   %s/{layout.share}/charsets/\\nlc-messages-dir   (No default value)\\n' "$base"
printf 'version   %s\\n' '{version}'
"""
    )
    program.chmod(stat.S_IRWXU)
    if not layout.link:
        return program
    link = root / layout.link
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(program)
    return link


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a server nor a way to bring one."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("local.servers.database.program.FOLDERS", ())
    bringing(monkeypatch, tmp_path, "exit 1")


def bringing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """What `scripts/packages FOLDER PACKAGE` does."""
    bring = tmp_path / "bring"
    bring.write_text(f"#!/bin/sh\n{script}\n")
    bring.chmod(stat.S_IRWXU)
    monkeypatch.setattr(mariadb_install, "_BRING", bring)


def on_the_path(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_server_on_the_path_is_found_in_any_layout(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = LAYOUTS[name]
    install(tmp_path, layout)
    on_the_path(monkeypatch, tmp_path / layout.path)

    found = server_files(tmp_path / "tree")

    program = tmp_path / layout.program
    share = program.parents[1] / layout.share
    assert found == ServerFiles(program, tuple(share / f"{layout.names}_{s}" for s in SCRIPTS), {})
    assert found.options == [f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets"]


def test_a_server_off_an_ordinary_users_path_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = install(tmp_path, LAYOUTS["Debian 13"])
    monkeypatch.setattr("local.servers.database.program.FOLDERS", (str(program.parent),))

    assert server_files(tmp_path / "tree").program == program


def test_one_that_does_not_run_or_is_another_server_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = install(tmp_path / "broken", LAYOUTS["Debian 12, Ubuntu 24.04"], runs=False)
    mysql = install(tmp_path / "mysql", LAYOUTS["an older name"], "8.4.6")
    good = install(tmp_path / "good", LAYOUTS["Debian 13"])
    on_the_path(monkeypatch, broken.parent, mysql.parent, good.parent)

    assert server_files(tmp_path / "tree").program == good


def test_one_that_was_unpacked_is_found_with_its_libraries(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    program = install(tree, LAYOUTS["Debian 13"])
    libraries = [tree / "lib/x86_64-linux-gnu", tree / "usr/lib/x86_64-linux-gnu"]
    for folder in libraries:
        folder.mkdir(parents=True)

    found = server_files(tree)

    assert found.program == program
    assert found.environment == {"LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries))}


def test_an_installed_one_is_taken_before_an_unpacked_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "tree", LAYOUTS["Debian 13"])
    installed = install(tmp_path / "machine", LAYOUTS["Debian 12, Ubuntu 24.04"])
    on_the_path(monkeypatch, installed.parent)

    assert server_files(tmp_path / "tree").program == installed


def test_where_there_is_none_one_is_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "packages", LAYOUTS["Debian 13"])
    bringing(monkeypatch, tmp_path, f'[ "$2" = mariadb-server-core ] && /bin/mv {tmp_path}/packages "$1"')

    found = server_files(tmp_path / "state" / "tree")

    assert found.program == tmp_path / "state/tree/usr/sbin/mariadbd"


def test_processes_that_need_one_at_once_bring_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "packages", LAYOUTS["Debian 13"])
    brought = tmp_path / "brought"
    bringing(
        monkeypatch, tmp_path, f'echo "$2" >>{brought}; /bin/sleep 0.2; /bin/mv {tmp_path}/packages "$1"'
    )

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(server_files, [tmp_path / "tree"] * 3))

    assert {files.program for files in found} == {tmp_path / "tree/usr/sbin/mariadbd"}
    assert brought.read_text().split() == ["mariadb-server-core"]


def test_an_unpacked_one_that_runs_no_longer_is_brought_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine was upgraded under it."""
    install(tmp_path / "tree", LAYOUTS["Debian 12, Ubuntu 24.04"], runs=False)
    install(tmp_path / "packages", LAYOUTS["Debian 13"])
    bringing(monkeypatch, tmp_path, f'/bin/rm -r "$1"; /bin/mv {tmp_path}/packages "$1"')

    assert server_files(tmp_path / "tree").scripts[0].name == "mariadb_system_tables.sql"


def test_where_none_can_be_brought_it_says_what_was_seen_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = install(tmp_path, LAYOUTS["Debian 13"], runs=False)
    on_the_path(monkeypatch, broken.parent)

    with pytest.raises(NoServer) as refused:
        server_files(tmp_path / "tree")

    text = str(refused.value)
    assert "none could be fetched" in text
    assert f"{broken} does not run: cannot open shared object file: libaio.so.1" in text
    assert "apt-get install mariadb-server-core" in text
    assert "TOKENS_DB_URL=" in text


@pytest.mark.parametrize("missing", SCRIPTS)
def test_a_server_without_one_of_its_scripts_is_unusable(missing: str, tmp_path: Path) -> None:
    program = install(tmp_path, LAYOUTS["Debian 13"])
    (tmp_path / "usr/share/mariadb" / f"mariadb_{missing}").unlink()

    with pytest.raises(Unusable, match=f"lacks its scripts .*{missing}"):
        usable_server(program, {})


def test_another_server_is_unusable(tmp_path: Path) -> None:
    program = install(tmp_path, LAYOUTS["an older name"], "8.4.6")

    with pytest.raises(Unusable, match=r"is not MariaDB .*TOKENS_DB_URL"):
        usable_server(program, {})
