"""`make build`: builds the deployable artifacts by `sam build`. The same sources give the same bytes.

After `sam build`, modes and times are set, bytecode is added, files that must not be deployed are looked for, and one
hash over everything is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from auth_tokens.adapters.map_members import PortalMapError
from auth_tokens.adapters.portal_map import DEPLOYED, read_mapping
from local.host.paths import ROOT
from local.templates.stacks import PRODUCT

LAYER = "SharedLayer"
MAX_LAYER_BYTES = 21_000_000
# For each architecture of Lambda: the platform of the wheels, and e_machine in the ELF header of shared objects.
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
_ELF_MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
# Files of the runtime, of development, or of a browser; and files of installers, which differ at each build.
_UNWANTED = re.compile(
    r"(^|/)(boto3|botocore|pip|setuptools|moto|pytest|tests?|swagger_ui|bin)(/|$)"
    r"|\.pyi$|(^|/)(\.lock|RECORD|INSTALLER|REQUESTED)$"
)
# The earliest time that a ZIP file can hold.
_MODIFIED_AT_S = 315_532_800  # 1980-01-01
# The flags of a .pyc that names its source by hash, and is used without comparing that hash (PEP 552).
_UNCHECKED_HASH = (0b01).to_bytes(4, "little")
_STAMP = ".built-from"
_SAM = ROOT / ".venv-sam" / "bin" / "sam"
# Holds exactly what the Lambda runtime has: its version of Python, the runtime client, boto3.
RUNTIME = ROOT / ".venv-runtime"


class BuildFailed(Exception):
    """The build failed, or must not be deployed. The text says why."""


def main() -> int:
    """Builds. Returns 1 if that fails, or if the artifacts must not be deployed."""
    arguments = argparse.ArgumentParser(prog="make build")
    arguments.add_argument("--arch", choices=PLATFORMS, default="arm64")
    arguments.add_argument("--into", type=Path, default=ROOT / ".aws-sam" / "build")
    arguments.add_argument("--twice", action="store_true")
    arguments.add_argument(
        "--portal-map", type=Path, help="the mapping of the Portal's tables, for the layer"
    )
    given = arguments.parse_args()
    try:
        built = build(given.arch, deployed_python(), given.into, given.portal_map)
        if given.twice and build(given.arch, deployed_python(), given.into, given.portal_map) != built:
            raise BuildFailed("two builds of the same sources differ")
    except BuildFailed as exc:
        print(f"make build: {exc}", file=sys.stderr)
        return 1
    return 0


def build(arch: str, python: str, folder: Path, portal_map: Path | None = None) -> str:
    """Builds into a folder, prints sizes and hash, and returns the hash. portal_map: for the layer, checked. Raises
    BuildFailed."""
    mapping = _checked(portal_map) if portal_map else None
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",  # uv is in that folder
        "PLATFORM": PLATFORMS[arch],
        "PYTHON_VERSION": python,
    }
    shutil.rmtree(folder, ignore_errors=True)
    command = [str(part) for part in (_SAM, "build", "--template", PRODUCT, "--build-dir", folder)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise BuildFailed(f"sam build failed\n{done.stderr}")
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    if mapping is not None:
        (folder / LAYER / "python" / DEPLOYED.name).write_bytes(mapping)
    _compile(folder, python)
    _set_modes_and_times(folder)
    if found := faults(folder, arch):
        raise BuildFailed("\n".join(found))
    (folder / _STAMP).write_text(_inputs(arch, python))
    result = digest(folder)
    layer = size(folder / LAYER)
    functions = sum(size(path) for path in folder.glob("*Function"))
    print(
        f"{folder.name} {arch} python{python}: layer {layer:,} bytes, functions {functions:,} bytes, {result}"
    )
    return result


def _checked(portal_map: Path) -> bytes:
    """The file of a mapping. Raises BuildFailed where the functions could not read it."""
    try:
        read_mapping(portal_map)
    except PortalMapError as exc:
        raise BuildFailed(str(exc)) from exc
    return portal_map.read_bytes()


def is_current(folder: Path, arch: str, python: str) -> bool:
    """Whether the folder was built from the current sources."""
    stamp = folder / _STAMP
    return stamp.is_file() and stamp.read_text() == _inputs(arch, python)


def faults(folder: Path, arch: str) -> list[str]:
    """What must not be deployed, with its path."""
    found = [f"{path} does not belong there" for path in _names(folder) if _UNWANTED.search(path)]
    stale = (path for path in folder.rglob("*.pyc") if path.read_bytes()[4:8] != _UNCHECKED_HASH)
    found += [f"{path.relative_to(folder)} holds the time of its source" for path in stale]
    objects = (path for path in folder.rglob("*.so") if _elf_machine(path) != _ELF_MACHINES[arch])
    found += [f"{path.relative_to(folder)} is not for {arch}" for path in objects]
    if size(folder / LAYER) >= MAX_LAYER_BYTES:
        found.append(f"the layer has {size(folder / LAYER):,} bytes, at most {MAX_LAYER_BYTES:,} are allowed")
    return found


def digest(folder: Path) -> str:
    """SHA-256 over the names, modes, times and contents of all deployed files."""
    total = hashlib.sha256()
    for name in _names(folder):
        path = folder / name
        about = path.stat()
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{name}\0{about.st_mode:o}\0{int(about.st_mtime)}\0{content}\n".encode())
    return total.hexdigest()


def size(folder: Path) -> int:
    """The size in bytes, unpacked."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def runtime_python() -> str:
    """The version of the Python in RUNTIME, such as 3.13."""
    text = (RUNTIME / "pyvenv.cfg").read_text("utf-8")
    return str(re.findall(r"^version = (\d+\.\d+)", text, re.MULTILINE).pop())


def deployed_python() -> str:
    """The version of Python that the template names."""
    versions = set(re.findall(r"^ *Runtime: python([\d.]+)$", PRODUCT.read_text("utf-8"), re.MULTILINE))
    return str(versions.pop())


def _compile(folder: Path, python: str) -> None:
    """Adds bytecode. Lambda's folders are read-only, so without it each cold start compiles its imports, which is half
    of its time (docs/adr/0014). Only the deployed Python can make it. It names its source by hash, not by time.
    """
    if runtime_python() != python:
        print(f"no bytecode: this machine has no Python {python}; cold starts take about twice as long")
        return
    options = ["-q", "-j", "1", "--invalidation-mode", "unchecked-hash"]
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        place = "/opt" if part.name == LAYER else "/var/task"
        command = [
            str(RUNTIME / "bin/python"),
            "-m",
            "compileall",
            *options,
            "-s",
            str(part),
            "-p",
            place,
            str(part),
        ]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})


def _set_modes_and_times(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (_MODIFIED_AT_S, _MODIFIED_AT_S))


def _names(folder: Path) -> list[str]:
    """The names of the deployed files, sorted."""
    deployed = (path for path in folder.glob("*") if path.is_dir())
    return sorted(
        path.relative_to(folder).as_posix() for part in deployed for path in part.rglob("*") if path.is_file()
    )


def _elf_machine(path: Path) -> int:
    """e_machine, at offset 18 of the ELF header."""
    with path.open("rb") as file:
        return int.from_bytes(file.read(20)[18:20], "little")


def _inputs(arch: str, python: str) -> str:
    """A hash over everything that a build depends on."""
    total = hashlib.sha256(f"{arch} {python}".encode())
    for path in _sources():
        total.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _sources() -> Iterator[Path]:
    yield PRODUCT
    yield Path(__file__)
    for folder in (ROOT / "functions", ROOT / "layers", ROOT / "deploy"):
        yield from sorted(
            path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
        )


if __name__ == "__main__":
    sys.exit(main())
