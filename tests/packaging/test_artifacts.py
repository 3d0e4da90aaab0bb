"""What is deployed: all that is needed, and nothing else."""

import re
import subprocess
from pathlib import Path

import pytest

from local.host.paths import LAYER as LAYER_SOURCE
from local.host.paths import ROOT
from local.package import LAYER, MAX_LAYER_BYTES, RUNTIME, digest, faults, runtime_python, size
from local.packaged import host_arch
from tests.architecture.deployment import functions


def test_the_layer_has_every_locked_package_in_its_version_and_our_own(artifacts: Path) -> None:
    locked = re.findall(
        r"^([a-z0-9-]+)==(\S+)", (LAYER_SOURCE / "requirements.txt").read_text("utf-8"), re.MULTILINE
    )
    python = artifacts / LAYER / "python"
    installed = {path.name.lower() for path in python.glob("*.dist-info")}

    assert installed == {f"{name.replace('-', '_')}-{version}.dist-info" for name, version in locked}
    assert (python / "auth_tokens" / "bootstrap" / "container.py").is_file()


DEPLOYED = {".py", ".sql", ".html", ".css", ".js"}


def test_every_function_is_there_with_its_own_files_alone(artifacts: Path) -> None:
    for folder, name in functions().items():
        source = ROOT / "functions" / folder
        expected = {p.relative_to(source) for p in source.rglob("*") if p.suffix in DEPLOYED}
        built = artifacts / name

        own = {p.relative_to(built) for p in built.rglob("*") if p.is_file() and p.suffix != ".pyc"}
        assert own == expected, name


def test_the_pages_have_the_client_itself_and_no_link_to_it(artifacts: Path) -> None:
    client = artifacts / functions()["console"] / "pages" / "client.js"

    assert not client.is_symlink()
    assert client.read_bytes() == (ROOT / "clients" / "javascript" / "client.js").read_bytes()


def test_every_module_has_bytecode_of_the_python_that_runs_it(artifacts: Path) -> None:
    tag = f"cpython-{runtime_python().replace('.', '')}"
    for source in artifacts.rglob("*.py"):
        assert (source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc").is_file(), source


def test_nothing_is_packaged_that_must_not_be_deployed(artifacts: Path) -> None:
    assert not faults(artifacts, host_arch())
    assert size(artifacts / LAYER) < MAX_LAYER_BYTES


def layer_of(tmp_path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = tmp_path / LAYER / "python" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


ARM_OBJECT = b"\x7fELF".ljust(18, b"\0") + (0xB7).to_bytes(2, "little")


@pytest.mark.parametrize(
    "name",
    [
        "boto3/__init__.py",
        "botocore/x.json",
        "pip/x.py",
        "x/tests/y.py",
        "x/y.pyi",
        "bin/x",
        "x-1.dist-info/RECORD",
    ],
)
def test_a_build_is_refused_that_holds(tmp_path: Path, name: str) -> None:
    [fault] = faults(layer_of(tmp_path, {name: b""}), "arm64")

    assert fault == f"{LAYER}/python/{name} does not belong there"


def test_a_build_is_refused_that_holds_another_machines_code(tmp_path: Path) -> None:
    built = layer_of(tmp_path, {"x.abi3.so": ARM_OBJECT})

    assert not faults(built, "arm64")
    assert faults(built, "x86_64") == [f"{LAYER}/python/x.abi3.so is not for x86_64"]


def test_a_build_is_refused_whose_bytecode_holds_a_time(tmp_path: Path) -> None:
    magic = b"\xf3\x0d\x0d\x0a"
    built = layer_of(tmp_path, {"__pycache__/x.pyc": magic + (1).to_bytes(4, "little") + bytes(8)})
    assert not faults(built, "arm64")

    [fault] = faults(layer_of(tmp_path, {"__pycache__/y.pyc": magic + bytes(12)}), "arm64")
    assert fault == f"{LAYER}/python/__pycache__/y.pyc holds the time of its source"


def test_a_build_is_refused_that_reaches_the_limit(tmp_path: Path) -> None:
    built = layer_of(tmp_path, {"x.py": b"#" * (MAX_LAYER_BYTES - 1)})
    assert not faults(built, "arm64")

    [fault] = faults(layer_of(tmp_path, {"y.py": b"#"}), "arm64")
    assert f"{MAX_LAYER_BYTES:,} bytes" in fault


def test_the_hash_tells_content_name_mode_and_time_apart(tmp_path: Path) -> None:
    built = layer_of(tmp_path, {"x.py": b"1"})
    path = built / LAYER / "python" / "x.py"
    seen = {digest(built)}

    path.chmod(0o600)
    seen.add(digest(built))
    path.write_bytes(b"2")
    seen.add(digest(built))
    path.rename(path.with_name("y.py"))
    seen.add(digest(built))

    assert len(seen) == 4


def test_the_deployments_probe_is_its_two_modules_and_runs_by_what_the_runtime_brings(tmp_path: Path) -> None:
    made = ["make", "-C", str(ROOT / "deploy"), "build-ProbeFunction", f"ARTIFACTS_DIR={tmp_path}"]
    subprocess.run(made, check=True, capture_output=True)
    python = str(RUNTIME / "bin/python")

    done = subprocess.run([python, "-c", "import deploy.before_traffic"], cwd=tmp_path, capture_output=True)

    assert done.returncode == 0, done.stderr.decode()
    built = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    assert built == {"deploy/__init__.py", "deploy/sign_in_probe.py", "deploy/before_traffic.py"}
