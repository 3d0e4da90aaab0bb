"""Finds a MariaDB server on this machine, or fetches one: installed by apt, else unpacked without root."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.host.paths import ROOT, STATE
from local.servers.database.program import Program, Unusable, found_or_fetched, programs_on_path

PACKAGE = "mariadb-server-core"
_TREE = STATE / "mariadb-tree"
_BRING = ROOT / "scripts" / "packages"
_NAMES = ("mariadbd", "mysqld")
# The scripts that create the system tables, in this order. Their names begin with `mysql_`, since MariaDB 11 with
# `mariadb_`.
_SCRIPTS = ("*_system_tables.sql", "*_performance_tables.sql", "*_system_tables_data.sql")


@dataclass(frozen=True)
class ServerFiles:
    """A server that starts here.

    scripts: they create its system tables, in this order. environment: the variables that it needs.
    """

    program: Path
    scripts: tuple[Path, ...]
    environment: Mapping[str, str]

    @property
    def options(self) -> list[str]:
        """Name the server's own files, which an unpacked server would not find by itself."""
        share = self.scripts[0].parent
        return [f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}"]


def server_files(tree: Path = _TREE) -> ServerFiles:
    """A server that starts here. tree: the folder where it is unpacked once, for all runs. Raises NoServer."""
    packages = f"Debian, Ubuntu: apt-get install {PACKAGE}; macOS: brew install mariadb"
    return found_or_fetched("MariaDB", packages, tree, _candidates, [_BRING, tree, PACKAGE])


def usable_server(program: Path, environment: Mapping[str, str]) -> ServerFiles:
    """The server of a program that runs here, reports that it is MariaDB, and names the folder of its files.

    Raises Unusable.
    """
    prefix = program.parents[1]
    reported = _reported(program, prefix, environment)
    if "MariaDB" not in reported.get("version", ""):
        raise Unusable(f"{program} is not MariaDB (another server can be used by TOKENS_DB_URL)")
    # The folder of its character sets is beside the scripts.
    share = Path(reported.get("character-sets-dir", prefix / "share" / "charsets")).parent
    for folder in (share, prefix / "share"):
        scripts = tuple(path for pattern in _SCRIPTS for path in sorted(folder.glob(pattern))[:1])
        if len(scripts) == len(_SCRIPTS):
            return ServerFiles(program, scripts, environment)
    raise Unusable(f"{program} lacks its scripts ({', '.join(_SCRIPTS)}) in {share}")


def _candidates(tree: Path) -> Iterator[Callable[[], ServerFiles]]:
    """Programs with a server's name: those on the PATH, then the unpacked one. Each with the variables it needs."""
    for program in programs_on_path(_NAMES):
        yield partial(usable_server, program, {})
    for program in sorted(tree.glob("usr/*bin/mariadbd")):
        libraries = sorted((*tree.glob("lib/*-linux-gnu*"), *tree.glob("usr/lib/*-linux-gnu*")))
        yield partial(usable_server, program, {"LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries))})


def _reported(program: Path, prefix: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """A server's variables by name, as it prints them for a base folder. Raises Unusable if it does not run."""
    command = (str(program), "--no-defaults", f"--basedir={prefix}")
    reported = Program(command, environment).run("--verbose", "--help", timeout_s=30)
    lines = (line.split(None, 1) for line in reported.splitlines())
    return {line[0]: line[1].strip() for line in lines if len(line) == 2}
