"""What an operator installs is whole, and has of the layer only what it imports."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.source import ROOT, imports_of, is_within

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TOOLS = PROJECT["tool"]["setuptools"]
PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from tokens_command.__main__ import main
sys.exit(main())
"""
LAYER = ROOT / "layers" / "shared"


def imported() -> set[str]:
    """Every module of ours or of others that the packages import, and what they bring of the layer."""
    sources = [path for package in TOOLS["packages"] for path in (ROOT / package).rglob("*.py")]
    sources += layer_modules().values()
    trees = [ast.parse(path.read_text("utf-8")) for path in sources]
    return {found.target for tree in trees for found in imports_of(tree)}


def layer_modules() -> dict[str, Path]:
    found = [LAYER / f"{name.replace('.', '/')}.py" for name in TOOLS["py-modules"]]
    return dict(zip(TOOLS["py-modules"], found, strict=True))


def test_it_lists_the_modules_of_the_layer_that_it_imports() -> None:
    modules = {name for name in TOOLS["py-modules"] if not name.endswith("__init__")}

    of_the_layer = {target for target in imported() if target.startswith("auth_tokens.")}
    assert {m for m in modules if any(is_within(target, [m]) for target in of_the_layer)} == modules
    assert all(is_within(target, modules) for target in of_the_layer)
    assert all(path.is_file() for path in layer_modules().values())


def test_its_files_alone_decode_a_token(tmp_path: Path) -> None:
    for package in TOOLS["packages"]:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in layer_modules().values():
        target = tmp_path / path.relative_to(LAYER)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", PROGRAM, str(tmp_path), "decode", "--json", "nonsense"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, "neither a token" in done.stderr) == (2, True), done.stderr


def test_what_it_needs_is_declared_and_locked() -> None:
    others = {target.split(".")[0] for target in imported()} - sys.stdlib_module_names
    declared = {requirement.split(">")[0] for requirement in PROJECT["project"]["dependencies"]}
    locked = (ROOT / "requirements" / "command.in").read_text("utf-8").split()

    assert others - {"auth_tokens", *TOOLS["packages"], "botocore"} == declared  # boto3 brings botocore
    assert declared <= set(locked)
