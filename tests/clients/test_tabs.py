"""clients/javascript in tabs of a real Chromium that share one storage, against the running service.

TABS_S=300: how long each trial takes, in place of a few seconds, and more of them."""

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.stack import LocalStack
from tests.clients.test_service import NODE, SCRIPTS, lost, sign_ins
from tests.support.browser import BROWSERS

SECONDS = float(os.environ.get("TABS_S", "0"))
# Where both ends of a token's life can be seen: the earliest refresh is at 65 % of it.
EARLIEST = 0.65


@dataclass(frozen=True)
class Plan:
    tabs: int
    lock: bool
    storage: str = "local"


SHORT = [Plan(4, lock=False)]
LONG = [
    Plan(2, lock=True),
    Plan(2, lock=False),
    Plan(4, lock=True),
    Plan(4, lock=False),
    Plan(4, lock=False, storage="indexeddb"),
]


def rotations(service: LocalStack, answers: list[dict[str, Any]]) -> list[int]:
    """Of each session, as the database has them."""
    ids = [uuid.UUID(answer["session_id"]).bytes for answer in answers]
    marks = ", ".join(["%s"] * len(ids))
    with contextlib.closing(service.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT generation FROM auth_user_tokens WHERE id IN ({marks})", ids)
        return [generation for [generation] in cursor.fetchall()]


@pytest.mark.parametrize("plan", LONG if SECONDS else SHORT, ids=str)
def test_tabs_that_are_frozen_and_killed_keep_their_sessions(
    service: LocalStack, tmp_path: Path, plan: Plan
) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser, "Please install Chromium: apt-get install chromium"
    answers = sign_ins(service, 8)
    settings = json.dumps({**dataclasses.asdict(plan), "seconds": SECONDS or 5})
    done = subprocess.run(
        [NODE, SCRIPTS / "tabs.mjs", service.base_url, browser, tmp_path, settings],
        input=json.dumps(answers),
        capture_output=True,
        text=True,
        timeout=120 + SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-4000:]
    seen = json.loads(done.stdout)
    tokens = seen.pop("tokens")
    made, lives = rotations(service, answers), seen["ms"] / 1000 / seen["lifeS"]
    print(plan, seen, f"{sum(made)} refreshes; {len(made) * lives:.0f} were needed at least")
    assert (seen["ended"], lost(service, answers)) == (0, (0, 0)), seen
    assert all(token.startswith("eyJ") for token in tokens), tokens
    assert all(lives - 2 <= each <= lives / EARLIEST + 2 for each in made), (made, lives)
    assert seen["frozen"] + seen["killed"] + seen["lost"] > plan.tabs
