"""The distribution: what it says of the contract, and that it can be built and used without what it does not need."""

import subprocess
import sys
import tomllib
import typing
import zipfile
from pathlib import Path
from typing import Any

import pytest

from auth_user_tokens import answers
from tests.contract.document import DOCUMENT
from tests.docs.markdown import ROOT

CLIENT = ROOT / "clients" / "python"
KINDS: dict[str, Any] = {"string": str, "integer": int, "boolean": bool}
SCHEMAS = DOCUMENT["components"]["schemas"]
TYPES = {
    "TokenResponse": answers.TokenAnswer,
    "LoginRequest": answers.LoginRequest,
    "LoginDeviceOptions": answers.DeviceOptions,
    "InvalidRequestError": answers.ErrorAnswer,
}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return resolved(found) if "$ref" in found else found


def kind_of(schema: dict[str, Any]) -> type | None:
    """The Python type of a member, None for an object, which has a test of its own. Null stands for absent."""
    whole = resolved(schema)
    named = whole.get("type", "object")
    [name] = [each for each in ([named] if isinstance(named, str) else named) if each != "null"]
    return KINDS.get(name)


@pytest.mark.parametrize(("name", "kind"), TYPES.items(), ids=TYPES)
def test_a_type_of_the_client_has_the_members_of_the_contract(name: str, kind: Any) -> None:
    schema, hints = SCHEMAS[name], typing.get_type_hints(kind)
    whole = typing.get_type_hints(kind, include_extras=True)
    optional = {member for member, hint in whole.items() if typing.get_origin(hint) is typing.NotRequired}

    assert hints.keys() == schema["properties"].keys()
    assert hints.keys() - (optional if kind.__total__ else hints.keys()) == set(schema.get("required", ()))
    for member, each in schema["properties"].items():
        assert kind_of(each) in (hints[member], None), member


def test_a_wheel_is_built_offline_and_works_alone(tmp_path: Path) -> None:
    build = "import sys; from flit_core.buildapi import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, tmp_path],
        cwd=CLIENT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    wheel = tmp_path / done.stdout.strip()
    names = zipfile.ZipFile(wheel).namelist()
    use = "import auth_user_tokens as a, sys; a.Session('https://t.test'); print(*sys.modules)"
    used = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(wheel)!r}); {use}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "auth_user_tokens/py.typed" in names
    assert not [name for name in names if "test" in name or "__pycache__" in name]
    assert not {"httpx", "httpx2", "requests", "keyring"} & set(used.stdout.split())


def test_the_version_is_the_services() -> None:
    ours = tomllib.loads((CLIENT / "pyproject.toml").read_text("utf-8"))["project"]
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert (ours["version"], ours["requires-python"]) == (whole["version"], whole["requires-python"])
    assert ours["dependencies"] == []
