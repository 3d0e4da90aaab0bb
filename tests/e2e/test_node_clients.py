"""Node clients that others wrote (tests/node), against the service on the Lambda runtime client."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack

ROOT = Path(__file__).parents[2]
NODE = ROOT / ".venv-node" / "bin" / "node"
SCRIPTS = ROOT / "tests" / "node"
AUDIENCE = "portal"
BOB = USERS[1]


def run(script: str, given: dict[str, Any]) -> Any:
    """What a script makes of what it is given, both as JSON."""
    done = subprocess.run(
        [NODE, SCRIPTS / f"{script}.mjs"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def login(lambda_stack: LocalStack) -> Any:
    body = {"username": BOB.username, "password": PASSWORD, "device": {"remember": True}}
    reply = Client(lambda_stack.base_url).post("/auth/login", body)
    assert reply.status == 200
    return reply.json


def test_oauth4webapi_lives_a_whole_session(lambda_stack: LocalStack, login: Any) -> None:
    seen = run(
        "oauth4webapi",
        {"issuer": lambda_stack.base_url, "audience": AUDIENCE, "client_id": "portal-web", **login},
    )

    assert seen["same_successor"] and seen["session_kept"]
    assert (seen["claims"]["sub"], seen["claims"]["sid"]) == (BOB.id, login["session_id"])
    assert seen["next_device_token_differs"]
    assert seen["active_before"] is True
    assert seen["after_revocation"] == {"active": False}
    assert seen["refresh_after_revocation"] == "invalid_grant"
    assert seen["unknown_token_revoked"] is None
    assert seen["opaque_token_as_access_token"] is not None


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_oauth4webapi_lives_a_whole_session_that_is_bound_to_its_key(
    lambda_stack: LocalStack, login: Any, algorithm: str
) -> None:
    seen = run(
        "oauth4webapi-dpop",
        {
            "issuer": lambda_stack.base_url,
            "audience": AUDIENCE,
            "client_id": "portal-web",
            "user_id": BOB.id,
            "algorithm": algorithm,
            **login,
        },
    )

    assert seen == {
        "algorithms": ["ES256", "EdDSA", "Ed25519"],
        "token_types": ["DPoP", "dpop", "dpop"],  # the library has those that it reads in lower case
        "same_successor": True,
        "session": True,
        "jobs": {"http": 200, "rest": 200},
        "nonce_errors": 1,
        "bound_to": True,
        "introspected": [True, "DPoP", True],
        "as_bearer": 401,
        "stolen": "invalid_grant",
        "stolen_without_key": "invalid_grant",
        "logged_out": 204,
        "after": "invalid_grant",
    }


@pytest.mark.parametrize("library", ["jose", "aws-jwt-verify"])
def test_an_access_token_is_verified_against_the_published_keys(
    lambda_stack: LocalStack, login: Any, library: str
) -> None:
    token = login["access_token"]
    head, payload, signature = token.split(".")
    forged = f"{head}.{payload}.{signature[:-4]}AAAA"
    given = {
        "issuer": lambda_stack.base_url,
        "audience": AUDIENCE,
        "jwks_uri": f"{lambda_stack.base_url}/.well-known/jwks.json",
    }

    [good, bad] = run(library, {**given, "tokens": [token, forged]})
    [elsewhere] = run(library, {**given, "audience": "another", "tokens": [token]})

    assert (good["sub"], good["sid"], good["client_id"]) == (BOB.id, login["session_id"], "portal-web")
    assert bad.keys() == elsewhere.keys() == {"refused"}
