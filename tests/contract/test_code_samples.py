"""The code samples of the signed routes are sent to the running service as they stand in docs/openapi.yaml."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from local.http.sigv4 import LOCAL_KEY
from local.stack import LocalStack
from tests.contract.document import OPERATIONS
from tests.contract.visitor import Visitor

SIGNED = [route for route, operation in OPERATIONS.items() if operation.get("security") == [{"iam": []}]]
TIMEOUT_S = 60


def _sample(route: str, label: str) -> str:
    [source] = [s["source"] for s in OPERATIONS[route]["x-codeSamples"] if s["label"] == label]
    text: str = source
    return text


@pytest.fixture
def given(stack: LocalStack, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the samples read of the environment. Any key will do for this process's own KMS."""
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    values = {
        "ISSUER": stack.base_url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": LOCAL_KEY.access_key,
        "AWS_SECRET_ACCESS_KEY": LOCAL_KEY.secret_key,
        **{
            name.upper(): visitor.values[name]
            for name in ("user_id", "session_id", "device_id", "finding_id", "event_id", "kid", "now")
        },
        "TOKEN": visitor.values["refresh_token"],
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    yield


def test_each_signed_route_has_a_sample_of_each_kind_and_no_other_route_has_one() -> None:
    kinds = {
        route: [s["label"] for s in o["x-codeSamples"]]
        for route, o in OPERATIONS.items()
        if "x-codeSamples" in o
    }

    assert kinds == {route: ["curl", "boto3"] for route in SIGNED}


@pytest.mark.parametrize("route", SIGNED)
def test_curl_gets_its_query_parameters_in_alphabetical_order(route: str) -> None:
    for query in re.findall(r"\?([^\"]+)", _sample(route, "curl")):
        names = [pair.partition("=")[0] for pair in query.split("&")]

        assert names == sorted(names)


@pytest.mark.parametrize("route", SIGNED)
def test_the_sample_for_curl_is_answered(given: None, route: str) -> None:
    script = _sample(route, "curl").replace("curl ", "curl --silent --fail-with-body ", 1)

    done = subprocess.run(
        ["bash", "-uc", "AWS_SESSION_TOKEN=\n" + script],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert isinstance(json.loads(done.stdout), dict)


@pytest.mark.parametrize("route", SIGNED)
def test_the_sample_for_boto3_is_answered(given: None, capsys: Any, route: str) -> None:
    exec(compile(_sample(route, "boto3"), route, "exec"), {})

    assert isinstance(json.loads(capsys.readouterr().out), dict)
