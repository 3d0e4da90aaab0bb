"""What a release packs of JavaScript, installed where nothing else is: it imports, and its types are found.

The wheels have tests of their own: python/test_package.py, verify/test_distribution.py. No registry is asked.
"""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE = ROOT / ".venv-node" / "bin"
WORKFLOW = ROOT / ".github" / "workflows" / "release-clients.yml"
TSC = ROOT / "tests/clients/javascript/node_modules/.bin/tsc"
JOSE = ROOT / "tests/node/node_modules/jose"
CLIENT = """
import { createClient, type Session } from "auth-user-tokens-client";
const who: Session | null = await createClient({ issuer: "https://tokens.test" }).ready;
console.log(who);
"""
VERIFIER = """
import { createVerifier } from "auth-user-tokens-verify";
import { withToken } from "auth-user-tokens-verify/fetch";
const verifier = createVerifier({ issuer: "https://tokens.test", audience: "portal" });
console.log(typeof withToken, (await verifier.check({}, {})).ok);
"""
JAVASCRIPT = {
    "auth-user-tokens-client": ("clients/javascript", CLIENT),
    "auth-user-tokens-verify": ("clients/javascript-verify", VERIFIER),
}
SAID = {"auth-user-tokens-client": "null", "auth-user-tokens-verify": "function false"}
PYTHON = ("clients/python", "layers/shared")


def run(*command: str | Path, folder: Path) -> str:
    path = f"{NODE}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", JAVASCRIPT)
def test_a_packed_javascript_package_imports_and_has_its_types(tmp_path: Path, name: str) -> None:
    folder, program = JAVASCRIPT[name]
    packed = run("npm", "pack", "--silent", "--pack-destination", tmp_path, ROOT / folder, folder=tmp_path)
    installed = tmp_path / "node_modules" / name
    installed.mkdir(parents=True)
    run("tar", "-xzf", tmp_path / packed, "--strip-components=1", "-C", installed, folder=tmp_path)
    (tmp_path / "node_modules" / "jose").symlink_to(JOSE)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "use.ts").write_text("declare const console: any;" + program)

    run(
        *(
            TSC,
            "--strict",
            "--target",
            "es2022",
            "--module",
            "nodenext",
            "--lib",
            "es2022,dom",
            "--types",
            "",
            "use.ts",
        ),
        folder=tmp_path,
    )

    assert run("node", "use.js", folder=tmp_path) == SAID[name]
    assert not [file for file in installed.rglob("*") if "test" in file.name or file.name == "node_modules"]


def test_the_workflow_packs_by_the_target_that_packs_these() -> None:
    [recipe] = [
        part
        for part in (ROOT / "Makefile").read_text("utf-8").split("\n\n")
        if part.startswith("pack-clients:")
    ]

    assert "run: make pack-clients" in WORKFLOW.read_text("utf-8")
    assert all(folder in recipe for folder in (*PYTHON, *(folder for folder, _ in JAVASCRIPT.values())))
