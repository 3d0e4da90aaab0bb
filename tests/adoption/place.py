"""A database server, KMS, and two empty schemas on it: the Portal's and the service's, for a run without pytest."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.servers.database.private import private_server
from tests.conftest import new_world, schema
from tests.support.takeover_stage import Stage, beside
from tests.support.world import World


@dataclass(frozen=True, slots=True)
class Place:
    """world: the service, migrated; at: the Portal's schema."""

    world: World
    at: DatabaseAddress
    aws: LocalAws
    folder: Path

    @contextlib.contextmanager
    def stage(self, shape: str) -> Iterator[Stage]:
        """With a running Portal."""
        with beside(self.world, shape, self.at, self.aws, self.folder) as made:
            yield made


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """On a private server of the kind that TOKENS_DB names."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aut-")))
        server = private_server(folder / "server", durable=False)
        stack.callback(server.stop)
        server.start()
        server.wait()
        aws = LocalAws(folder)
        aws.start()
        stack.callback(aws.stop)
        os.environ.update(aws.environment)
        world = stack.enter_context(new_world(server.address, aws))
        at = stack.enter_context(schema(server.address))
        yield Place(world, at, aws, folder)
