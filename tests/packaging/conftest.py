"""What `sam build` made of these sources, started as on Lambda."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.options import RunnerOptions, ServerOptions
from local.package import LAYER, deployed_python, is_current, runtime_python, size
from local.packaged import ARTIFACTS, Packaged, host_arch
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import schema
from tests.support.throttles import UNTHROTTLED


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """The folder of the built artifacts; `make test` builds them beforehand, as tests reach no registry."""
    if sys.platform != "linux":
        pytest.skip("Lambda's wheels run on Linux only")
    if not is_current(ARTIFACTS, host_arch(), runtime_python()):
        pytest.fail("what was packaged is not of these sources: run `make package`, as `make test` does")
    return ARTIFACTS


@pytest.fixture
def folder() -> Iterator[Path]:
    """Goes with its test: a layer is 20 MB, and pytest keeps its own folders for a while."""
    with tempfile.TemporaryDirectory(prefix="aut-") as made:
        yield Path(made)


@pytest.fixture(scope="session")
def packaged_stack(
    artifacts: Path, database: DatabaseAddress, aws: LocalAws, run_dir: Path
) -> Iterator[LocalStack]:
    """The whole service over HTTP, its functions from the artifacts alone, under the runtime client."""
    packaged = Packaged(run_dir / "lambda", artifacts)
    with (
        schema(database) as at,
        LocalStack(
            UNTHROTTLED, servers=ServerOptions(database=at, aws=aws), runner=RunnerOptions(place=packaged)
        ) as started,
    ):
        yield started


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not (ARTIFACTS / LAYER).is_dir():
        return
    ran, deployed = runtime_python(), deployed_python()
    note = "the deployed version" if ran == deployed else f"this machine has no {deployed}, which is deployed"
    terminalreporter.write_line(
        f"packaged functions: Python {ran} ({note}), {host_arch()}, layer {size(ARTIFACTS / LAYER):,} bytes"
    )
