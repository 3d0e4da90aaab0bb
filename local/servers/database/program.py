"""The programs of database servers: where they are, and whether they run here."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

# Where distributions install a server outside of an ordinary user's PATH.
FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec")

_Server = TypeVar("_Server")


class NoServer(Exception):
    """No database server was found, and none could be fetched. The text says what to do."""


class Unusable(Exception):
    """A program is not a server that can be started here. The text says why."""


@dataclass(frozen=True)
class Program:
    """A server that starts here.

    command: the program, with the loader that it needs and the options that name its own files.
    environment: the variables that it needs.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]

    def run(self, *options: str, stdin: bytes = b"", timeout_s: float | None = None) -> str:
        """Runs the program until it ends, and returns its output. Raises Unusable."""
        try:
            done = subprocess.run(
                [*self.command, *options],
                input=stdin,
                env={**os.environ, **self.environment},
                capture_output=True,
                check=False,
                timeout=timeout_s,
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise Unusable(f"{self.command[0]} does not run: {exc}") from exc
        if done.returncode != 0:
            text = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise Unusable(f"{self.command[0]} does not run: {text[-2000:]}")
        return done.stdout.decode(errors="replace")


def programs_on_path(names: Sequence[str]) -> list[Path]:
    """The programs with one of these names, on the PATH and then in FOLDERS. Links to the same file count once."""
    found = (
        shutil.which(name, path=folder)
        for folder in (*os.environ.get("PATH", "").split(os.pathsep), *FOLDERS)
        if folder
        for name in names
    )
    return list(dict.fromkeys(Path(program).resolve() for program in found if program))


def found_or_fetched(
    name: str,
    packages: str,
    tree: Path,
    candidates: Callable[[Path], Iterable[Callable[[], _Server]]],
    fetch: Sequence[str | Path],
) -> _Server:
    """The first usable server; where there is none, one is fetched into the tree, and looked for again.

    name, packages: of the server, and how to install it, for people. candidates: for the tree, what returns a server or
    raises Unusable. fetch: the command. A second process waits, and finds what the first has fetched. Raises NoServer.
    """
    with _locked(tree):
        found, _ = _first_usable(candidates(tree))
        if found:
            return found
        fetched = subprocess.run(fetch, stdin=subprocess.DEVNULL, check=False)
        found, refused = _first_usable(candidates(tree))
    if found:
        return found
    raise NoServer(
        "\n".join(
            (
                f"No {name} server that can be started was found"
                + (" and none could be fetched." if fetched.returncode else "."),
                *(f"- {reason}" for reason in refused),
                f"Please install one ({packages}),",
                "or name a running one: TOKENS_DB_URL=mysql://user:password@host:port/database",
            )
        )
    )


def _first_usable(candidates: Iterable[Callable[[], _Server]]) -> tuple[_Server | None, list[str]]:
    """The first usable server, and why those before it are not usable."""
    refused: list[str] = []
    for candidate in candidates:
        try:
            return candidate(), refused
        except Unusable as exc:
            refused.append(str(exc))
    return None, refused


@contextlib.contextmanager
def _locked(tree: Path) -> Iterator[None]:
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tree.with_name(f"{tree.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
