"""Finds a MariaDB server on this machine, or brings one: by apt, else unpacked without root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "mariadb-server-core"
# What the server needs beyond a bare Debian, where its package is only unpacked.
UNPACKED = (PACKAGE, "libaio1", "liburing2")
_TREE = Path(__file__).parents[1] / ".local" / "mariadb-tree"
# Of MariaDB; MySQL has no such script, and is used through TOKENS_DB_URL.
_SCRIPT = "mysql_system_tables.sql"
_SEARCH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


class NoServer(Exception):
    """There is no database server and none could be brought; the text says what to do."""


@dataclass(frozen=True)
class ServerFiles:
    """The server's program, its share folder, and what its environment needs to start."""

    program: Path
    share: Path
    environment: dict[str, str]

    @property
    def options(self) -> list[str]:
        """Where the server finds its own files, wherever it was unpacked."""
        return [f"--lc-messages-dir={self.share}", f"--character-sets-dir={self.share / 'charsets'}"]


def server_files(tree: Path = _TREE) -> ServerFiles:
    """A server that can be started here. tree: where it is unpacked, once for all runs. Raises NoServer."""
    found = _installed() or _unpacked(tree)
    if found is None:
        _say(f"no MariaDB on this machine; installing {PACKAGE} …")
        found = (_apt_install() and _installed()) or (_unpack(tree) and _unpacked(tree)) or None
    if found is None:
        raise NoServer(
            "No MariaDB server was found and none could be installed.\n"
            f"Please install one (Debian, Ubuntu: apt-get install {PACKAGE}; macOS: brew install mariadb),\n"
            "or name a running one: TOKENS_DB_URL=mysql://user:password@host:port/database"
        )
    return found


def _installed() -> ServerFiles | None:
    for name in ("mariadbd", "mysqld"):
        found = shutil.which(name, path=_SEARCH)
        program = Path(found).resolve() if found else None
        for folder in ("mysql", "mariadb"):
            if program and (share := program.parents[1] / "share" / folder).joinpath(_SCRIPT).exists():
                return ServerFiles(program, share, {})
    return None


def _unpacked(tree: Path) -> ServerFiles | None:
    program = tree / "usr/sbin/mariadbd"
    if not program.exists():
        return None
    libraries = os.pathsep.join(str(path) for path in (tree / "usr/lib").glob("*-linux-gnu*"))
    return ServerFiles(program, tree / "usr/share/mysql", {"LD_LIBRARY_PATH": libraries})


def _apt_install() -> bool:
    prefix = _root_prefix()
    if prefix is None or not shutil.which("apt-get"):
        return False
    _run([*prefix, "apt-get", "update", "-qq"])
    return _run([*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", PACKAGE])


def _root_prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive"]
    if shutil.which("sudo") and _run(["sudo", "-n", "true"]):
        return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    return None


def _unpack(tree: Path) -> bool:
    """Downloads the packages as an ordinary user and unpacks them beside nothing else."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return False
    downloads = tree.with_name(tree.name + ".download")
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir(parents=True)
    if not _run(["apt-get", "download", "-qq", *UNPACKED], downloads):
        return False
    fresh = tree.with_name(tree.name + ".fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    if not all(_run(["dpkg", "-x", str(deb), str(fresh)]) for deb in downloads.glob("*.deb")):
        return False
    fresh.rename(tree)
    shutil.rmtree(downloads)
    return True


def _run(command: list[str], folder: Path | None = None) -> bool:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode == 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
