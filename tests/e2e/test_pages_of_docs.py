"""The commands of the pages in docs/, as a reader types them one after the other, against the running service."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pymysql
import pytest
from pymysql.cursors import Cursor

from local.seed import USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack
from tests.docs.markdown import ROOT
from tests.docs.shell import missing, promised, script
from tests.docs.test_blocks import ALL, RUN_HERE

TIMEOUT_S = 120


@pytest.fixture(scope="module")
def service(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> Iterator[LocalStack]:
    """One of its own: what the pages look for must not be hidden by what other tests do. Somebody has signed in, as at
    any reader's, so there are keys."""
    with new_stack(database, administrator, aws, "inprocess") as started:
        started.invoke("issue", {"user_id": USERS[0].id, "amr": ["pwd"]})
        yield started


@pytest.mark.parametrize("page", RUN_HERE, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run_and_print_what_it_says(
    service: LocalStack, tmp_path: Path, page: Path
) -> None:
    for part in ("clients", "deploy", "events", "layers", "tokens_command", ".venv", ".venv-node"):
        (tmp_path / part).symlink_to(ROOT / part)

    done = subprocess.run(
        ["bash", "-c", script(page, service.base_url)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert missing(promised(page), done.stdout) == [], done.stdout


STATEMENTS = [
    (block.page, statement)
    for block in ALL
    if block.language == "sql"
    for statement in re.split(r";\n", block.text)
    if statement.strip()
]


@pytest.mark.parametrize(
    ("page", "statement"), STATEMENTS, ids=lambda part: part.stem if isinstance(part, Path) else ""
)
def test_a_statement_of_a_page_is_taken_by_the_database(
    service: LocalStack, page: Path, statement: str
) -> None:
    """In a transaction that is rolled back: others use this database."""
    with closing(service.connect()) as connection, connection.cursor() as cursor:
        connection.begin()
        cursor.execute(statement)
        connection.rollback()
