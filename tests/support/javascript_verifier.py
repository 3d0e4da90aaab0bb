"""The verdicts of clients/javascript-verify, from one Node process a test run's worker."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NODE = ROOT / ".venv-node" / "bin" / "node"
SCRIPTS = ROOT / "tests" / "clients" / "verify"


def verdict(question: dict[str, Any]) -> dict[str, Any]:
    """What tests/clients/verify/verdicts.mjs answers."""
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    return dict(json.loads(process.stdout.readline()))


@cache
def _process() -> "subprocess.Popen[str]":
    """Ends with its standard input, that is with this process."""
    return subprocess.Popen(
        [NODE, "--import", SCRIPTS / "resolve.mjs", SCRIPTS / "verdicts.mjs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
