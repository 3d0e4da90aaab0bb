"""clients/javascript: its own tests under the Node of the tests, types, package, size, and its answers."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contract.document import DOCUMENT

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clients" / "javascript"
CHECKS = ROOT / "tests" / "clients" / "javascript"
NODE = ROOT / ".venv-node" / "bin"
TOOLS = CHECKS / "node_modules" / ".bin"
# The file that everybody loads, and those that it loads where they are used: source, and minified and compressed.
BUDGETS = {
    "client": (25 * 1024, 6_000),
    "dpop": (6_000, 1_700),
    "step-up": (1_500, 600),
    "indexeddb": (1_500, 500),
}
DECLARED = (PACKAGE / "client.d.ts").read_text("utf-8")
# Interfaces of client.d.ts and the schemas that they are of.
ANSWERS = {
    "TokenAnswer": "TokenResponse",
    "CookieAnswer": "CookieResponse",
    "CallerSession": "CallerSession",
    "SessionLine": "Session",
    "Device": "Device",
}
TYPES = {"string": "string", "integer": "number", "boolean": "boolean", "array": "string[]"}


def run(*command: str | Path, folder: Path = CHECKS) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": f"{NODE}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["client", "dpop", "rules", "storm"])
def test_the_client_passes_its_own_tests(name: str) -> None:
    run("node", "--test", f"{name}.test.mjs")


def test_its_types_say_what_compiles_and_what_does_not() -> None:
    run(TOOLS / "tsc", "--project", ".")


def test_the_package_is_as_publint_wants_it() -> None:
    run(TOOLS / "publint", "run", PACKAGE, "--strict", "--pack=false")


def test_it_keeps_to_its_budget() -> None:
    sizes = json.loads(run("node", "build.mjs"))

    assert sizes.keys() == BUDGETS.keys() == {path.stem for path in PACKAGE.glob("*.js")}
    for name, (source, compressed) in BUDGETS.items():
        assert sizes[name]["source"] <= source, name
        assert sizes[name]["compressed"] <= compressed, name


def test_it_has_no_dependency_and_one_version() -> None:
    about = json.loads((PACKAGE / "package.json").read_text("utf-8"))

    assert not any(name.lower().endswith("dependencies") for name in about)
    assert about["engines"] == {"node": ">=20"}
    assert about["version"] == DOCUMENT["info"]["version"]
    assert "import " not in re.sub(
        r"/\*.*?\*/|//.*", "", (PACKAGE / "client.js").read_text(), flags=re.DOTALL
    )


def declared(interface: str) -> dict[str, tuple[str, bool]]:
    """The members of an interface: type, and whether it may be absent."""
    [body] = re.findall(rf"export interface {interface} {{\n(.*?)\n}}", DECLARED, re.DOTALL)
    members = re.findall(r"^  (\w+)(\?)?: (.*);$", body, re.MULTILINE)
    return {name: (kind, bool(optional)) for name, optional, kind in members}


def schema_type(schema: dict[str, Any]) -> str:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    return " | ".join(f'"{one}"' for one in choices) if choices else TYPES[schema["type"]]


@pytest.mark.parametrize(("interface", "name"), ANSWERS.items())
def test_an_answer_is_declared_as_the_document_has_it(interface: str, name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    documented = {
        member: (schema_type(about), member not in schema["required"])
        for member, about in schema["properties"].items()
    }

    assert declared(interface) == documented
