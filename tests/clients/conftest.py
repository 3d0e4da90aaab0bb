"""The service that most trials of the clients want."""

from collections.abc import Iterator

import pymysql
import pytest
from pymysql.cursors import Cursor

from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack


@pytest.fixture(scope="module")
def service(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> Iterator[LocalStack]:
    """Without a retry window: a spent token without its key is theft at once."""
    with new_stack(database, administrator, aws, "inprocess", {"RetryWindowS": "0"}) as started:
        yield started
