"""The stated revocation delay, over HTTP and through the Lambda runtime, by the real feed."""

from collections.abc import Iterator

import pymysql
import pytest
from pymysql.cursors import Cursor

from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack
from tests.support.revocation_delay import delays

STALENESS_S = 1


@pytest.fixture(scope="module")
def short_delay(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> Iterator[LocalStack]:
    parameters = {"RevocationMaxStalenessS": str(STALENESS_S), "MaxSessions": "100"}
    with new_stack(database, administrator, aws, "lambda", parameters) as started:
        yield started


def test_no_token_passes_later_than_stated_after_its_revocation(short_delay: LocalStack) -> None:
    seen = delays(short_delay.base_url, moments=50, within_s=4, bound_s=STALENESS_S, seed=7)

    assert len(seen) == 50
    assert max(seen) <= STALENESS_S
    assert max(seen) > 0, "nothing passed after its revocation: the feed was not what was looked at"
