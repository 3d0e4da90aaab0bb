"""Runs the built artifacts in folders like Lambda's, out of reach of this project's own folders."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from local.host.paths import ROOT
from local.package import LAYER, RUNTIME, BuildFailed, build, is_current, runtime_python
from local.templates.functions import FunctionSpec

ARTIFACTS = ROOT / ".aws-sam" / "packaged"


class Packaged:
    """Copies each function into a folder like /var/task, and the layer into one like /opt.

    A call turns the specification of a function into that of the packaged function.
    """

    def __init__(self, root: Path, artifacts: Path = ARTIFACTS) -> None:
        self._root = root
        self._artifacts = artifacts
        self.layer = root / "opt" / "python"
        shutil.copytree(artifacts / LAYER / "python", self.layer)

    def __call__(self, spec: FunctionSpec) -> FunctionSpec:
        task = self._root / spec.name / "var" / "task"
        shutil.copytree(self._artifacts / spec.name, task)
        # Both folders are read-only on Lambda, where sources without bytecode are compiled at each cold start.
        environment = {**spec.environment, "PYTHONDONTWRITEBYTECODE": "1"}
        layers = (self.layer,) if spec.layers else ()
        return replace(
            spec, code=task, layers=layers, environment=environment, python=str(RUNTIME / "bin/python")
        )


def main() -> int:
    """`make package`: builds for this machine and its Python, unless the artifacts are current."""
    arch, python = host_arch(), runtime_python()
    try:
        if not is_current(ARTIFACTS, arch, python):
            build(arch, python, ARTIFACTS)
    except BuildFailed as exc:
        print(f"make package: {exc}", file=sys.stderr)
        return 1
    return 0


def host_arch() -> str:
    """Lambda's name of this machine's architecture."""
    return {"x86_64": "x86_64", "amd64": "x86_64"}.get(platform.machine().lower(), "arm64")


if __name__ == "__main__":
    sys.exit(main())
