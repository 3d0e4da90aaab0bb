"""The README's quick start and the tutorial by curl, run as they stand."""

import os
import re
import subprocess

from local.stack import LocalStack
from tests.docs.markdown import BY_CURL, README, ROOT, code_blocks


def test_the_tutorial_by_curl_runs_and_every_call_in_it_succeeds(lambda_stack: LocalStack) -> None:
    [script] = code_blocks(BY_CURL, "bash")
    script = script.replace("http://127.0.0.1:3000", lambda_stack.base_url)
    strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'

    done = subprocess.run(
        ["bash", "-c", strict + script], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r'"access_token"', done.stdout)
    assert '"active": true' in done.stdout


def test_the_javascript_of_the_quick_start_runs(lambda_stack: LocalStack) -> None:
    [script] = code_blocks(README, "js")
    script = script.replace("http://127.0.0.1:3000", lambda_stack.base_url)
    script = script.replace("./clients/", f"{ROOT.as_uri()}/clients/")

    done = subprocess.run(
        [ROOT / ".venv-node/bin/node", "--input-type=module", "-"],
        input=script,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "signed out: here" in done.stdout
