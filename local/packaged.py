"""The built artifacts, laid out and started as Lambda does: nothing of this project's folders is within reach."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from local.environment import ROOT, FunctionSpec
from local.package import LAYER, RUNTIME, BuildFailed, build, is_current, runtime_python

ARTIFACTS = ROOT / ".aws-sam" / "packaged"


class Packaged:
    """Puts each function into a folder like /var/task of its own, and the layer into one like /opt.

    Calling it turns a function's specification into that of the packaged one.
    """

    def __init__(self, root: Path, artifacts: Path = ARTIFACTS) -> None:
        self._root = root
        self._artifacts = artifacts
        self.layer = root / "opt" / "python"
        shutil.copytree(artifacts / LAYER / "python", self.layer)

    def __call__(self, spec: FunctionSpec) -> FunctionSpec:
        task = self._root / spec.name / "var" / "task"
        shutil.copytree(self._artifacts / spec.name, task)
        # Both folders are read-only on Lambda: what has no bytecode is compiled at each cold start.
        environment = {**spec.environment, "PYTHONDONTWRITEBYTECODE": "1"}
        layers = (self.layer,) if spec.layers else ()
        return replace(
            spec, code=task, layers=layers, environment=environment, python=str(RUNTIME / "bin/python")
        )


def main() -> int:
    """`make package`: builds for this machine and its Python, unless that is done."""
    arch, python = host_arch(), runtime_python()
    try:
        if not is_current(ARTIFACTS, arch, python):
            build(arch, python, ARTIFACTS)
    except BuildFailed as exc:
        print(f"make package: {exc}", file=sys.stderr)
        return 1
    return 0


def host_arch() -> str:
    """This machine's architecture by Lambda's name."""
    return {"x86_64": "x86_64", "amd64": "x86_64"}.get(platform.machine().lower(), "arm64")


if __name__ == "__main__":
    sys.exit(main())
