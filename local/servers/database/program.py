"""The programs of database servers: where they are, and whether they run here."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Where distributions install a server outside of an ordinary user's PATH.
FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec")


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


@contextlib.contextmanager
def fetched_once(tree: Path) -> Iterator[None]:
    """Locks the folder of a server, so that a second process waits and finds what the first has fetched into it."""
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tree.with_name(f"{tree.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
