"""docs/how-to/adoption.md, typed as it stands: from a Portal by its own packages to the first session of ours."""

import os
import re
import subprocess
from pathlib import Path

from local.host.ports import free_port
from local.servers.database.address import DatabaseAddress, connect
from tests.adoption.served import portal_at
from tests.conftest import schema
from tests.docs.markdown import DOCS, ROOT
from tests.docs.shell import missing, promised, script

PAGE = DOCS / "how-to" / "adoption.md"
TIMEOUT_S = 60


def test_the_steps_of_the_page_lead_to_the_first_session(database: DatabaseAddress, tmp_path: Path) -> None:
    with schema(database) as own, schema(database) as theirs, portal_at(theirs) as portal:
        token = portal.sign_in(portal.people(1)[0])
        port = free_port()
        typed = script(PAGE, f"http://127.0.0.1:{port}").replace(
            '"schema": "portal"', f'"schema": "{theirs.name}"'
        )
        checkout(tmp_path)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TOKENS_"))},
            "PORT": str(port),
            "LOCAL_STATE_DIR": str(tmp_path / "state"),
            "TOKENS_DB_URL": f"mysql://{own.user}:{own.password}@{own.host}:{own.port}/{own.name}",
            "T": token,
        }

        done = subprocess.run(
            ["bash", "-c", typed],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

        log = tmp_path / "service.log"
        assert done.returncode == 0, (
            done.stdout + done.stderr + (log.read_text("utf-8") if log.exists() else "")
        )
        assert missing(promised(PAGE), done.stdout) == [], done.stdout
        assert not portal.is_in_force(token)
        with connect(own) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT generation FROM auth_user_tokens WHERE type = 'refresh'")
            assert cursor.fetchall() == ((1,),)


def checkout(folder: Path) -> None:
    """The project as it is after `make setup`, which then has nothing to do."""
    for part in ROOT.iterdir():
        if part.name != ".venv":
            (folder / part.name).symlink_to(part)
    (folder / ".venv").mkdir()
    for part in (ROOT / ".venv").iterdir():
        if part.name != ".lock":
            (folder / ".venv" / part.name).symlink_to(part)
    (folder / ".venv/.lock").symlink_to(ROOT / "requirements/dev.txt")


def test_the_page_has_the_steps_in_order() -> None:
    numbers = re.findall(r"^(\d)\. ", PAGE.read_text("utf-8"), re.MULTILINE)

    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
