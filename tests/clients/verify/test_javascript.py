"""clients/javascript-verify by Node's own test runner, and its types by the compiler."""

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
NODE = HERE.parents[2] / ".venv-node" / "bin" / "node"


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [NODE, *arguments],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )


def test_the_verifier_behaves_as_its_tests_say() -> None:
    done = run("--import", HERE / "resolve.mjs", "--test", "--test-reporter=spec", HERE / "verifier.test.mjs")

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr


def test_the_types_let_through_what_they_should_and_nothing_else() -> None:
    done = run(HERE / "node_modules" / "typescript" / "bin" / "tsc", "-p", HERE)

    assert done.returncode == 0, done.stdout
