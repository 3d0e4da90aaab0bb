"""The three Portals of tests/support/legacy_portal.py, each beside the service, once a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from tests.conftest import new_world, schema
from tests.support.legacy_portal import SHAPES
from tests.support.takeover_stage import Stage, beside


@pytest.fixture(scope="module", params=SHAPES)
def any_stage(
    request: pytest.FixtureRequest, database: DatabaseAddress, aws: LocalAws, run_dir: Path
) -> Iterator[Stage]:
    """Each of the three."""
    with (
        new_world(database, aws) as world,
        schema(database) as at,
        beside(world, request.param, at, aws, run_dir) as stage,
    ):
        yield stage


@pytest.fixture(scope="module")
def stage(database: DatabaseAddress, aws: LocalAws, run_dir: Path) -> Iterator[Stage]:
    """The commonest."""
    with (
        new_world(database, aws) as world,
        schema(database) as at,
        beside(world, "integer", at, aws, run_dir) as made,
    ):
        yield made
