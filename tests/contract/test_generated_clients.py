"""Clients generated from docs/openapi.yaml by generators that others wrote live the life of a session."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.host.paths import ROOT
from local.seed import PASSWORD, SeedUser
from local.stack import LocalStack
from tests.contract.document import PATH

WALKS = Path(__file__).parent / "generators"
TOOLS = WALKS / "node_modules" / ".bin"
NODE = ROOT / ".venv-node" / "bin" / "node"
PYTHON = ROOT / ".venv-generators" / "bin" / "python"
TIMEOUT_S = 120

Given = Mapping[str, str]
Walk = Callable[[Path, Given], str]


def by_openapi_python_client(folder: Path, given: Given) -> str:
    made = folder / "generated"
    _run(
        PYTHON,
        "-m",
        "openapi_python_client",
        "generate",
        "--path",
        PATH,
        "--output-path",
        made,
        "--meta",
        "none",
    )
    return _run(PYTHON, WALKS / "life.py", folder, given=given)


def by_openapi_typescript(folder: Path, given: Given) -> str:
    _run(NODE, TOOLS / "openapi-typescript", PATH, "-o", folder / "schema.ts")
    return _bundled("life-by-openapi-fetch", folder, given)


def by_hey_api(folder: Path, given: Given) -> str:
    _run(NODE, TOOLS / "openapi-ts", "-i", PATH, "-o", folder / "hey")
    return _bundled("life-by-hey-api", folder, given)


@pytest.mark.parametrize("walk", [by_openapi_python_client, by_openapi_typescript, by_hey_api])
def test_a_generated_client_signs_in_refreshes_repeats_lists_and_signs_out(
    stack: LocalStack, user: SeedUser, tmp_path: Path, walk: Walk
) -> None:
    seen = json.loads(
        walk(tmp_path, {"baseUrl": stack.base_url, "username": user.username, "password": PASSWORD})
    )

    keys = seen.pop("keys")
    assert set(keys) == {"ES256"}
    assert seen == {
        "same_successor": True,
        "current": ["generated"],
        "remembered": ["generated"],
        "signed_out": 204,
        "revoked": 200,
        "refused": "invalid_grant",
    }


def _bundled(walk: str, folder: Path, given: Given) -> str:
    """The walk's types are checked, then it runs with what was generated."""
    script = WALKS / f"{walk}.ts"
    config = {
        "extends": str(WALKS / "tsconfig.json"),
        "compilerOptions": {
            "paths": {
                "generated/*": [f"{folder}/*"],
                "openapi-fetch": [f"{WALKS}/node_modules/openapi-fetch"],
            }
        },
        "files": [str(script)],
    }
    (folder / "tsconfig.json").write_text(json.dumps(config), "utf-8")
    _run(NODE, TOOLS / "tsc", "--project", folder)
    bundle = folder / "walk.mjs"
    filled_in = json.dumps(given)
    _run(
        TOOLS / "esbuild",
        script,
        "--bundle",
        "--format=esm",
        "--platform=node",
        "--log-level=warning",
        f"--alias:generated={folder}",
        f"--define:given={filled_in}",
        f"--outfile={bundle}",
    )
    return _run(NODE, bundle)


def _run(*command: object, given: Any = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        input=None if given is None else json.dumps(given),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={"PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
