"""Each function has the rights to the KMS key that it uses, and refresh and authorizer no other."""

from collections import defaultdict
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from auth_tokens.adapters.kms.client import KmsClient
from local.client import Client
from local.runners.inprocess import InProcessRunner
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.architecture.test_template_permissions import MAY
from tests.conftest import new_stack

ALICE, BOB = USERS[0], USERS[1]
ARN = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/GET/jobs"
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:auth-user-tokens:token-type:device",
}
Used = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def used(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[Used]:
    """Function → KMS operation → the purposes it was called for, in the life of some sessions and keys."""
    calls: Used = defaultdict(lambda: defaultdict(set))
    running: ContextVar[str] = ContextVar("running")
    invoke, call = InProcessRunner.invoke, KmsClient.call

    def invoked(self: InProcessRunner, function: str, *arguments: Any, **named: Any) -> Any:
        running.set(self._specs[function].code.name)
        return invoke(self, function, *arguments, **named)

    def called(self: KmsClient, operation: str, **parameters: Any) -> dict[str, Any]:
        calls[running.get()][operation].add(parameters["EncryptionContext"]["purpose"])
        return call(self, operation, **parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InProcessRunner, "invoke", invoked)
        patch.setattr(KmsClient, "call", called)
        with new_stack(database, administrator, aws, "inprocess") as stack:
            _live(stack)
            yield calls


def _live(stack: LocalStack) -> None:
    client = Client(stack.base_url)
    login = {"username": ALICE.username, "password": PASSWORD, "device": {"remember": True, "name": "x"}}
    bearer = client.post("/auth/login", login).json
    cookies = client.post("/auth/login", {**login, "mode": "cookie", "device": {}})
    cookie, csrf = cookies.cookies[0].split(";")[0], {"X-CSRF-Token": cookies.json["csrf_token"]}
    client.form("/auth/token", {"grant_type": "refresh_token", "refresh_token": bearer["refresh_token"]})
    client.form("/auth/token", {**EXCHANGE, "subject_token": bearer["device_token"]})
    assert client.get("/auth/sessions", cookie=cookie).status == 200
    assert client.signed("POST", "/auth/introspect", {"token": bearer["refresh_token"]}).status == 200
    for event in (
        {"version": "2.0", "routeArn": ARN, "headers": {"authorization": f"Bearer {bearer['access_token']}"}},
        {"version": "2.0", "routeArn": ARN, "cookies": [cookie]},
    ):
        stack.invoke("authorizer", event)
    assert client.get(f"/console/users/{BOB.id}", cookie=cookie).status == 200
    assert client.signed("GET", "/admin/security/events").status == 200
    for function in ("rotate_keys", "analytics", "cleanup"):
        stack.invoke(function, {})
    [kid, *_] = [key["kid"] for key in client.get("/.well-known/jwks.json").json["keys"]]
    stack.invoke("rotate_keys", {"withdraw": kid})
    assert client.post("/auth/logout", {"scope": "all"}, cookie=cookie, headers=csrf).status == 204
    for kid in ("token-chain.1", "metadata.1"):  # their successors are made anew
        stack.invoke("rotate_keys", {"withdraw": kid})


@pytest.mark.parametrize("function", sorted(MAY))
def test_a_function_calls_kms_for_nothing_that_it_has_no_right_to(used: Used, function: str) -> None:
    unwrapped, wrapped = MAY[function]

    assert used[function]["decrypt"] <= unwrapped
    assert used[function]["encrypt"] <= wrapped
    assert set(used[function]) <= {"decrypt", "encrypt"}


@pytest.mark.parametrize("function", ["issue", "refresh", "authorizer", "introspect", "rotate_keys"])
def test_a_function_uses_each_of_its_rights(used: Used, function: str) -> None:
    unwrapped, wrapped = MAY[function]

    assert (used[function]["decrypt"], used[function]["encrypt"]) == (unwrapped, wrapped)
