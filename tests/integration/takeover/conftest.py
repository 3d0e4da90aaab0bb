"""The three Portals of tests/support/legacy_portal.py, each beside the service, once a run."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from tests.conftest import new_world, schema
from tests.support.legacy_portal import SHAPES
from tests.support.takeover_stage import Stage, beside


@pytest.fixture(scope="session")
def stages(database: DatabaseAddress, aws: LocalAws, run_dir: Path) -> Iterator[Callable[[str], Stage]]:
    """By the name of their shape."""
    made: dict[str, Stage] = {}
    with contextlib.ExitStack() as stack:

        def stage(shape: str) -> Stage:
            if shape not in made:
                world = stack.enter_context(new_world(database, aws))
                at = stack.enter_context(schema(database))
                made[shape] = stack.enter_context(beside(world, shape, at, aws, run_dir))
            return made[shape]

        yield stage


@pytest.fixture(params=SHAPES)
def any_stage(request: pytest.FixtureRequest, stages: Callable[[str], Stage]) -> Stage:
    """Each of the three."""
    return stages(request.param)


@pytest.fixture
def stage(stages: Callable[[str], Stage]) -> Stage:
    """The commonest."""
    return stages("integer")
