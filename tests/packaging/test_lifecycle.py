"""The deployed code on the real runtime: each function from its artifact alone, through the life of a token."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.client import Client
from local.package import LAYER, digest
from local.packaged import Packaged
from local.runners import FunctionError
from local.runners.lambda_runner import LambdaRunner
from local.seed import PASSWORD, USERS
from local.stack import JOBS_HTTP, JOBS_REST, LocalStack
from local.templates.functions import FunctionSpec, function_specs
from local.templates.stacks import PRODUCT
from tests.architecture.deployment import PARAMETERS, functions

USER = USERS[1].username


def login(client: Client, **options: Any) -> Any:
    reply = client.post("/auth/login", {"username": USER, "password": PASSWORD, **options})
    assert reply.status == 200, reply.shortened()
    return reply.json


def test_the_life_of_a_token_by_every_function(packaged_stack: LocalStack) -> None:
    live(packaged_stack)

    runner: Any = packaged_stack.runner
    assert {name for name in functions().values() if not runner.init_ms[name]} == set()


def test_no_function_writes_to_its_own_code(packaged_stack: LocalStack, artifacts: Path) -> None:
    """Lambda's /var/task and /opt are read-only; here nothing holds a function back that tries."""
    live(packaged_stack)

    for name in functions().values():
        spec = packaged_stack.specs[name]
        assert digest(spec.code) == digest(artifacts / name), name
        for layer in spec.layers:
            assert digest(layer) == digest(artifacts / LAYER / "python"), name


def live(packaged_stack: LocalStack) -> None:
    """Every function has its part in it."""
    client = Client(packaged_stack.base_url)

    # issue, discovery, refresh
    first = login(client, device={"remember": True})
    assert client.get("/.well-known/jwks.json").json["keys"]
    spent = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    tokens = client.form("/auth/token", spent).json
    assert tokens["session_id"] == first["session_id"]

    # authorizer, sessions, introspect
    for api in (JOBS_HTTP, JOBS_REST):
        assert client.get(f"{api}/jobs", bearer=tokens["access_token"]).status == 200
        assert client.get(f"{api}/jobs", bearer="x.y.z").status in (401, 403)
    [session, *_] = client.get("/auth/sessions", bearer=tokens["access_token"]).json["sessions"]
    assert session["session_id"] == first["session_id"]
    assert introspected(client, tokens["access_token"])["active"]

    # revoke, revocations, and an exchange of the device token
    assert client.form("/auth/revoke", {"token": tokens["refresh_token"]}).status == 200
    assert client.get("/auth/revocations").json["ids"]
    assert introspected(client, tokens["access_token"]) == {"active": False}
    assert client.get("/auth/session", bearer=tokens["access_token"]).status == 401
    assert client.form("/auth/token", exchange(first["device_token"])).status == 200

    # console
    assert client.get("/pages/account").status == 200

    # migrate, cleanup, rotate_keys, analytics
    assert packaged_stack.invoke("migrate", {})["applied"] == []
    assert packaged_stack.invoke("cleanup", {})["complete"]
    assert (
        len(client.get("/.well-known/jwks.json").json["keys"]) == 2
    )  # the first and its stand-by, from the start
    assert packaged_stack.invoke("rotate_keys", {})["steps"] == []
    assert packaged_stack.invoke("analytics", {})["hours"] >= 1


def introspected(client: Client, token: str) -> Any:
    return client.signed("POST", "/auth/introspect", {"token": token}).json


def exchange(device_token: str) -> dict[str, str]:
    return {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:auth-user-tokens:token-type:device",
        "subject_token": device_token,
    }


def test_a_cookie_at_the_authorizer_which_then_unwraps_a_key_by_the_runtimes_own_boto3(
    packaged_stack: LocalStack,
) -> None:
    client = Client(packaged_stack.base_url)
    reply = client.post("/auth/login", {"username": USER, "password": PASSWORD, "mode": "cookie"})
    [cookie] = reply.cookies

    assert client.get(f"{JOBS_HTTP}/jobs", cookie=cookie.split(";")[0]).status == 200


Change = Callable[[FunctionSpec], FunctionSpec]


def without(path: str) -> Change:
    def change(spec: FunctionSpec) -> FunctionSpec:
        shutil.rmtree(spec.layers[0] / path)
        return spec

    return change


def unset(variable: str) -> Change:
    def change(spec: FunctionSpec) -> FunctionSpec:
        return replace(spec, environment={k: v for k, v in spec.environment.items() if k != variable})

    return change


BROKEN: dict[str, tuple[Change, str]] = {
    "a dependency": (without("pymysql"), "Runtime.ImportModuleError"),
    "a module of our own": (without("auth_tokens/web"), "Runtime.ImportModuleError"),
    "a variable": (unset("ISSUER"), "SettingsError"),
    "the handler": (lambda spec: replace(spec, handler="app.handle"), "Runtime.HandlerNotFound"),
    "the handler's module": (lambda spec: replace(spec, handler="main.handler"), "Runtime.ImportModuleError"),
}


def authorized(artifacts: Path, folder: Path, change: Change) -> Any:
    """The authorizer's answer to a request without a token, by its package after a change."""
    given = {**PARAMETERS, "CreateVpcEndpoints": "false"}
    template = function_specs(PRODUCT, given, {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"})
    spec = change(Packaged(folder, artifacts)(template["AuthorizerFunction"]))
    runner = LambdaRunner({spec.name: spec}, log_dir=folder)
    try:
        return runner.invoke(spec.name, {"version": "2.0", "type": "REQUEST", "headers": {}})
    finally:
        runner.close()


def test_the_package_as_it_is_starts(artifacts: Path, folder: Path) -> None:
    assert authorized(artifacts, folder, lambda spec: spec) == {"isAuthorized": False}


@pytest.mark.parametrize(("change", "error_type"), BROKEN.values(), ids=BROKEN)
def test_a_function_does_not_start_without(
    artifacts: Path, folder: Path, change: Change, error_type: str
) -> None:
    with pytest.raises(FunctionError) as failed:
        authorized(artifacts, folder, change)

    assert failed.value.error_type == error_type
