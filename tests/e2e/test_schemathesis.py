"""Schemathesis: requests that fit docs/openapi.yaml, and requests that do not, against the running service.

Each answer must be one that the document promises: status, content type, headers, body; never a 500.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, assume, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from local.templates.arns import REGION

CASES_AN_OPERATION = 20
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.unsupported_method,
]
ALICE, BOB = USERS[:2]

schema = schemathesis.openapi.from_path(Path(__file__).parents[2] / "docs" / "openapi.yaml")


class Signed(requests.auth.AuthBase):
    """SigV4 with the local IAM key pair."""

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        signed = AWSRequest(prepared.method, prepared.url, data=prepared.body, headers=dict(prepared.headers))
        SigV4Auth(Credentials("local", "local-secret"), "execute-api", REGION).add_auth(signed)
        prepared.headers.update(dict(signed.headers.items()))
        return prepared


@pytest.fixture(scope="module")
def answers() -> Iterator[Counter[str]]:
    """How many answers of each status; shown with `pytest -s`."""
    counted: Counter[str] = Counter()
    yield counted
    print(f"\nschemathesis: {counted.total()} requests, answers {dict(sorted(counted.items()))}")


@pytest.fixture(scope="module")
def operator(stack: LocalStack) -> dict[str, str]:
    """The headers of an operator's browser."""
    body = {"username": ALICE.username, "password": PASSWORD, "mode": "cookie"}
    reply = Client(stack.base_url).post("/auth/login", body)
    assert reply.status == 200
    return {"Cookie": reply.cookies[0].split(";")[0], "X-CSRF-Token": reply.json["csrf_token"]}


@schema.parametrize()
@settings(
    max_examples=CASES_AN_OPERATION,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_promises(
    case: schemathesis.Case, stack: LocalStack, operator: dict[str, str], answers: Counter[str]
) -> None:
    # No id has one, and an HTTP API cuts the path there (docs/reference/local-stack.md): it would be another route.
    assume(not any("?" in unquote(str(value)) for value in (case.path_parameters or {}).values()))
    security = case.operation.definition.raw.get("security", [])
    is_for_iam = any("iam" in wanted for wanted in security)
    if any("accessToken" in wanted for wanted in security):
        issued = stack.invoke("issue", {"user_id": BOB.id, "amr": ["pwd"]})
        case.headers["Authorization"] = f"Bearer {issued['access_token']}"
    elif any("sessionCookie" in wanted for wanted in security):
        case.headers.update(operator)

    response = case.call(base_url=stack.base_url, auth=Signed() if is_for_iam else None)

    answers[str(response.status_code)] += 1
    case.validate_response(response, checks=CHECKS)
