"""APIs outside API Gateway behind the verifiers, against the running service: the stated delay, and the examples."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auth_tokens_verify import Refusal, Verifier
from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack

ROOT = Path(__file__).parents[2]
NODE = ROOT / ".venv-node" / "bin" / "node"
STATED_S = 5
SESSIONS = 3
# Status of a request with this access token.
Ask = Callable[[str], int]


@contextmanager
def express_api(issuer: str) -> Iterator[Ask]:
    """examples/express-api on a port of its own."""
    # A session of its own, as `node` may be a script that starts another process.
    process = subprocess.Popen(
        [NODE, "--import", ROOT / "tests/clients/verify/resolve.mjs", ROOT / "examples/express-api/app.js"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "ISSUER": issuer, "PORT": "0"},
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().rpartition(" ")[2].strip()
        client = Client(f"http://127.0.0.1:{port}")
        yield lambda token: client.get("/jobs", bearer=token).status
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextmanager
def python_api(issuer: str) -> Iterator[Ask]:
    """The Python verifier in this process, over real HTTP."""
    verifier = Verifier(issuer, "portal", timeout_s=10)

    def ask(token: str) -> int:
        verdict = verifier.check({"Authorization": f"Bearer {token}"}, "portal:read")
        return verdict.status if isinstance(verdict, Refusal) else 200

    yield ask


@pytest.mark.parametrize("api", [express_api, python_api])
def test_a_revoked_token_is_refused_within_the_stated_delay(
    stack: LocalStack, api: Callable[[str], Iterator[Ask]], record_property: Callable[[str, object], None]
) -> None:
    client = Client(stack.base_url)
    login = {"username": USERS[0].username, "password": PASSWORD}
    with api(stack.base_url) as ask:  # type: ignore[attr-defined]
        watched = [client.post("/auth/login", login).json for _ in range(SESSIONS)]
        assert {ask(one["access_token"]) for one in watched} == {200}
        delays = []
        for one in watched:
            assert client.form("/auth/revoke", {"token": one["refresh_token"]}).status == 200
            revoked_at, asked_at, status = time.monotonic(), 0.0, 200
            while status == 200 and time.monotonic() - revoked_at < 4 * STATED_S:
                asked_at, status = time.monotonic(), ask(one["access_token"])
                time.sleep(0.05)
            assert status == 401
            delays.append(asked_at - revoked_at)

    record_property("largest_delay_s", round(max(delays), 2))
    print(f"largest delay: {max(delays):.2f} s of {STATED_S}")
    assert max(delays) <= STATED_S


def test_the_express_example_asks_the_service_before_it_writes(stack: LocalStack) -> None:
    client = Client(stack.base_url)
    one = client.post("/auth/login", {"username": USERS[0].username, "password": PASSWORD}).json
    with express_api(stack.base_url) as ask:
        assert ask(one["access_token"]) == 200
        assert ask("x") == 401
