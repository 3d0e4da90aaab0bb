"""`make run` on a Portal's own database, after its owner agreed: it serves the Portal's users, and adds none."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local.client import Client
from local.host.ports import free_port
from local.seed import PASSWORD, USERS
from local.traffic.program import main as traffic
from tests.docs.markdown import ROOT
from tests.support.portals import KINDS, portal_world
from tests.support.world import World

START_S = 60


def test_the_portal_s_users_sign_in_and_none_is_added(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("PORT", raising=False)
    with portal_world(world, KINDS["integer"], tmp_path) as portal:
        name = portal.user(max_sessions=3)
        settings = portal.settings
        login = f"{settings.db_user}:{settings.db_password}@{settings.db_host}:{settings.db_port}"
        environment = {
            **os.environ,
            "PORT": str(free_port()),
            "TOKENS_DB_URL": f"mysql://{login}/{settings.db_name}",
            "TOKENS_DB_CREATE": "yes",
            "PORTAL_MAP": settings.portal_map,
            "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in (".", "layers/shared")),
        }
        command = [sys.executable, "-m", "local"]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            giving_up = threading.Timer(START_S, process.kill)
            giving_up.start()
            try:
                assert process.stdout is not None
                address = process.stdout.readline().removeprefix("ready ").strip()
                client = Client(address)
                own = client.post("/auth/login", {"username": name, "password": PASSWORD})
                seeded = client.post("/auth/login", {"username": USERS[0].username, "password": PASSWORD})
                refused = traffic(["--seconds", "1"])
                access = own.json["access_token"]
                listed = client.get("/auth/sessions", bearer=access)
                subject = client.get("/auth/session", bearer=access).json["sub"]
            finally:
                giving_up.cancel()
                process.send_signal(signal.SIGINT)
                process.wait(20)

        assert (own.status, seeded.status, refused, listed.status) == (200, 401, 1, 200)
        assert "Start `make run` without TOKENS_DB_URL." in capsys.readouterr().err
        assert subject == portal.user_id(name)
        assert portal.sql(f"SELECT COUNT(*) AS n FROM {portal.schema}.auth_users") == [{"n": 1}]
        assert portal.sql(f"SELECT COUNT(*) AS n FROM {portal.schema}.auth_user_tokens") == [{"n": 0}]
