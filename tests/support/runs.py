"""`make run` as a process of its own, on a schema of its own."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.host.ports import free_port
from local.servers.database.address import DatabaseAddress
from tests.conftest import schema
from tests.docs.markdown import ROOT

# A start takes 5 s on a machine of its own, and a minute beside much else.
START_S = 180
PYTHONPATH = os.pathsep.join(str(ROOT / folder) for folder in (".", "layers/shared"))


@dataclass(frozen=True)
class Run:
    """A run that says that it is ready. state: its folder, with what it wrote to standard error. origin: of the pages
    that may call it."""

    process: "subprocess.Popen[str]"
    address: str
    state: Path
    origin: str

    @property
    def told(self) -> str:
        return (self.state / "stderr").read_text("utf-8")


@contextlib.contextmanager
def started(state: Path, database: DatabaseAddress) -> Iterator[Run]:
    """Within it the run serves."""
    origin = f"http://127.0.0.1:{free_port()}"
    with schema(database) as at:
        environment = {
            **os.environ,
            "PORT": str(free_port()),
            "ORIGINS": origin,
            "SET": "AccessTtlS=61",
            "LOCAL_STATE_DIR": str(state),
            "TOKENS_DB_URL": f"mysql://{at.user}:{at.password}@{at.host}:{at.port}/{at.name}",
            "PYTHONPATH": PYTHONPATH,
        }
        told = state / "stderr"
        with (
            told.open("w") as stderr,
            subprocess.Popen(
                [sys.executable, "-m", "local"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            ) as process,
        ):
            # A start that hangs ends, and so does the wait for its first line.
            giving_up = threading.Timer(START_S, process.kill)
            giving_up.start()
            try:
                assert process.stdout is not None
                first = process.stdout.readline()
                giving_up.cancel()
                assert first.startswith("ready "), told.read_text("utf-8")
                yield Run(process, first.removeprefix("ready ").strip(), state, origin)
            finally:
                giving_up.cancel()
                process.kill()
