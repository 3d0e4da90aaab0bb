"""A copy of this repository in which an operator runs what the documentation says, and may change a file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from local.host.paths import ROOT
from local.packaged import host_arch

# A change of the code that anybody can see: the file, what occurs once in it, and what that becomes.
NEW_CODE = (
    "functions/discovery/app.py",
    "(body=metadata, ",
    '(body={**metadata, "service_documentation": "https://tokens.example/docs"}, ',
)
_SHARED = (".venv", ".venv-sam", ".venv-runtime")
_COMMAND_S = 1800


class CommandFailed(Exception):
    """A command ended with an error; the text has what it said."""


class Checkout:
    """environment: of every command; folder: where they run."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = {**os.environ, **environment, "ARCH": host_arch()}
        self._environment.pop("AWS_PROFILE", None)
        ignored = (ROOT / ".gitignore").read_text("utf-8").replace("/", "").split()
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", *ignored))
        for name in _SHARED:
            (folder / name).symlink_to(ROOT / name)

    def run(self, script: str, quiet: bool = False) -> str:
        """Runs it by bash, ends at the first command that fails, and returns what was printed. Whoever asks is
        answered y. Raises CommandFailed."""
        begun = time.monotonic()
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"exec < <(yes)\n{script}"],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
        if not quiet:
            print(f"{time.monotonic() - begun:6.1f} s  {_first_command(script)}", flush=True)
        if done.returncode:
            raise CommandFailed(f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}")
        return done.stdout

    def change(self, file: str, old: str, new: str) -> None:
        """Replaces what occurs once."""
        path = self.folder / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), "utf-8")


def filled(script: str, values: Mapping[str, str]) -> str:
    """The script with the page's examples replaced by what there is; each must occur."""
    for example, value in values.items():
        assert example in script, example
        script = script.replace(example, value)
    return script


def _first_command(script: str) -> str:
    """For whoever watches."""
    lines = [line for line in script.splitlines() if not line.startswith("export ")]
    commands = [line for line in lines if re.match(r"[a-z./$-]+ ", line, re.IGNORECASE)] or lines
    return re.sub(r"PASSWORD=('[^']*'|\S+)", "PASSWORD=…", commands[0])[:90]
