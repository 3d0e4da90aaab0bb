"""The hook that CodeDeploy asks before traffic moves, with the service's real functions behind its invocations."""

import io
import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from deploy import before_traffic
from deploy.before_traffic import RESERVE_MS, Clients
from local.client import Client
from local.runners import FunctionError
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from local.templates.arns import REGION
from tests.conftest import new_stack

ALICE = USERS[0].username
SECRET = {"username": ALICE, "password": PASSWORD}
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:probe-a1b2c3"
NAMES = ("issue", "refresh", "revoke", "sessions", "introspect", "discovery", "authorizer")
EACH = pytest.mark.parametrize("function", NAMES)
EVENT = {"DeploymentId": "d-123456789", "LifecycleEventHookExecutionId": "hook-1"}
NEW = "42"
PLENTY_MS = RESERVE_MS + 60_000
Broken = Callable[[Any, Callable[[], Any]], Any]


class Invoker:
    """Lambda, as far as the hook calls it: the local stack's functions; broken: what the new version does instead."""

    def __init__(self, stack: LocalStack, broken: Broken | None = None) -> None:
        self._stack = stack
        self._broken = broken
        self._members = (
            boto3.client("lambda", REGION).meta.service_model.operation_model("Invoke").input_shape.members
        )
        self.asked: list[tuple[str, str]] = []

    def invoke(self, **asked: str) -> dict[str, Any]:
        assert set(asked) <= set(self._members)
        name, qualifier = asked["FunctionName"], asked["Qualifier"]
        self.asked.append((name, qualifier))
        event = json.loads(asked["Payload"])
        try:
            answer = self._answer(name, qualifier, event)
        except FunctionError as exc:
            said = {"errorType": exc.error_type, "errorMessage": str(exc)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def _answer(self, name: str, qualifier: str, event: Any) -> Any:
        def real() -> Any:
            return self._stack.invoke(name, event)

        return self._broken(event, real) if self._broken and qualifier == NEW else real()


class Run:
    """One call of the hook. reported: what CodeDeploy was told; lines: of the log."""

    def __init__(self, reported: list[str], invoker: Invoker, lines: list[dict[str, str]], text: str) -> None:
        self.reported, self.invoker, self.lines, self.text = reported, invoker, lines, text

    @property
    def said(self) -> str:
        return " ".join(line["detail"] for line in self.lines if line["level"] == "ERROR")


Ask = Callable[..., Run]


@pytest.fixture
def ask(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Asks the hook about a deployment of one function."""
    known = {name: [name, NEW, f"group-of-{name}"] for name in NAMES}
    monkeypatch.setenv("PROBED_FUNCTIONS", json.dumps(known))
    monkeypatch.setenv("PROBE_USER_SECRET_ARN", SECRET_ARN)
    monkeypatch.setenv("ISSUER", stack.base_url)
    monkeypatch.setenv("RETRY_WINDOW_S", "10")

    def run(
        function: str = "refresh",
        broken: Broken | None = None,
        secret: str | None = json.dumps(SECRET),
        creator: str = "CloudFormation",
        remaining_ms: Callable[[], int] = lambda: PLENTY_MS,
        stack: LocalStack = stack,
    ) -> Run:
        invoker, reported = Invoker(stack, broken), []
        with (
            _codedeploy(f"group-of-{function}", creator, reported) as codedeploy,
            _secrets(secret) as secrets,
        ):
            clients = Clients(codedeploy.client, invoker, secrets.client)
            monkeypatch.setattr(before_traffic, "_clients", lambda: clients)
            capsys.readouterr()
            before_traffic.handler(EVENT, SimpleNamespace(get_remaining_time_in_millis=remaining_ms))
        out = capsys.readouterr().out
        lines = [json.loads(line) for line in out.splitlines() if line.startswith('{"message": "probe"')]
        return Run(reported, invoker, lines, out)

    return run


def _codedeploy(group: str, creator: str, reported: list[str]) -> Stubber:
    client = boto3.client("codedeploy", REGION, aws_access_key_id="a", aws_secret_access_key="b")
    client.meta.events.register(
        "before-parameter-build.codedeploy.PutLifecycleEventHookExecutionStatus",
        lambda params, **_: reported.append(params["status"]),
    )
    stubber = Stubber(client)
    stubber.add_response(
        "get_deployment",
        {"deploymentInfo": {"deploymentGroupName": group, "creator": creator}},
        {"deploymentId": EVENT["DeploymentId"]},
    )
    stubber.add_response(
        "put_lifecycle_event_hook_execution_status",
        {"lifecycleEventHookExecutionId": EVENT["LifecycleEventHookExecutionId"]},
    )
    return stubber


def _secrets(secret: str | None) -> Stubber:
    client = boto3.client("secretsmanager", REGION, aws_access_key_id="a", aws_secret_access_key="b")
    stubber = Stubber(client)
    if secret is None:
        stubber.add_client_error(
            "get_secret_value", "ResourceNotFoundException", "Secrets Manager can't find it"
        )
    else:
        stubber.add_response("get_secret_value", {"SecretString": secret}, {"SecretId": SECRET_ARN})
    return stubber


@EACH
def test_a_good_version_gets_its_traffic(ask: Ask, function: str) -> None:
    run = ask(function)

    assert run.said == ""
    assert run.reported == ["Succeeded"]


@EACH
def test_the_new_version_is_asked_and_the_live_ones_of_the_others(ask: Ask, function: str) -> None:
    asked = ask(function).invoker.asked

    assert {qualifier for name, qualifier in asked if name == function} == {NEW}
    assert {qualifier for name, qualifier in asked if name != function} == {"live"}


def _status(status: int, body: Mapping[str, Any]) -> Broken:
    return lambda event, real: {"statusCode": status, "body": json.dumps(body)}


def _with_body(**members: Any) -> Broken:
    def broken(event: Any, real: Callable[[], Any]) -> Any:
        answer = real()
        return {**answer, "body": json.dumps({**json.loads(answer["body"] or "{}"), **members})}

    return broken


def _raises(error_type: str) -> Broken:
    def broken(event: Any, real: Callable[[], Any]) -> Any:
        raise FunctionError(error_type, "in the new version")

    return broken


def _is_silent(event: Any, real: Callable[[], Any]) -> Any:
    raise ReadTimeoutError(endpoint_url="https://lambda.eu-west-1.amazonaws.com")


def _another_refresh_token() -> Broken:
    """Each refresh another token: a repeated one loses its session."""
    count = iter(range(99))
    return lambda event, real: _with_body(refresh_token=f"another-{next(count)}")(event, real)


BAD = {
    "issue gives 500": ("issue", _status(500, {"error": "server_error"}), "500 server_error"),
    "issue cannot be imported": ("issue", _raises("Runtime.ImportModuleError"), "ImportModuleError"),
    "issue gives no refresh token": ("issue", _with_body(refresh_token=None), "cannot sign in"),
    "refresh gives 503": ("refresh", _status(503, {"error": "temporarily_unavailable"}), "not rotated"),
    "refresh gives other tokens again": ("refresh", _another_refresh_token(), "does not give the same token"),
    "refresh times out": ("refresh", _is_silent, "cannot be invoked"),
    "revoke gives 200 and does nothing": ("revoke", _status(200, {}), "after that its access token"),
    "revoke gives 400": ("revoke", _status(400, {"error": "invalid_request"}), "400 invalid_request"),
    "sessions refuses": ("sessions", _status(401, {"error": "invalid_token"}), "401 invalid_token"),
    "sessions lets everybody in": ("sessions", _status(200, {}), "after that its access token"),
    "discovery has another issuer": ("discovery", _with_body(issuer="https://others.test"), "others.test"),
    "discovery has no keys": ("discovery", _with_body(keys=[]), "is not published"),
    "introspect says inactive": ("introspect", _status(200, {"active": False}), "introspect"),
    "the authorizer refuses": ("authorizer", lambda event, real: {"isAuthorized": False}, "authorizer"),
    "no answer of HTTP": ("sessions", lambda event, real: {"oops": 1}, "statusCode"),
    "nothing at all": ("sessions", lambda event, real: None, "statusCode"),
    "a list": ("authorizer", lambda event, real: ["oops"], "authorizer"),
    "a body that is a list": ("discovery", lambda event, real: {"statusCode": 200, "body": "[]"}, "issuer"),
    "a policy of another shape": (
        "authorizer",
        lambda event, real: {"policyDocument": {"Statement": ["Allow"]}},
        "AttributeError",
    ),
    "no JSON": ("sessions", lambda event, real: {"statusCode": 200, "body": "<html>"}, "JSONDecodeError"),
}


@pytest.mark.parametrize(("function", "broken", "said"), BAD.values(), ids=BAD)
def test_a_bad_version_gets_none_and_the_log_says_why(
    ask: Ask, function: str, broken: Broken, said: str
) -> None:
    run = ask(function, broken)

    assert run.reported == ["Failed"]
    assert said in run.said


def test_a_session_that_a_failed_probe_began_is_ended(ask: Ask, stack: LocalStack) -> None:
    tokens: list[str] = []

    def refuses(event: Any, real: Callable[[], Any]) -> Any:
        tokens.append(event["headers"]["authorization"])
        return {"statusCode": 500, "body": ""}

    ask("sessions", refuses)

    assert Client(stack.base_url).get("/auth/session", headers={"Authorization": tokens[0]}).status == 401


OWN_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no secret": ({"secret": None}, "ResourceNotFoundException"),
    "a secret that is no JSON": ({"secret": "hunter2"}, "is not JSON with username and password"),
    "a secret without a password": (
        {"secret": '{"username": "a"}'},
        "is not JSON with username and password",
    ),
    "a wrong password": (
        {"secret": json.dumps({**SECRET, "password": "wrong"})},
        "cannot sign in: POST /auth/login gives 401 invalid_credentials",
    ),
    "a deployment of something else": ({"function": "cleanup"}, "group-of-cleanup is none of those"),
    "no time": ({"remaining_ms": lambda: RESERVE_MS - 1}, "the time is used up"),
}


@pytest.mark.parametrize(("given", "said"), OWN_FAULTS.values(), ids=OWN_FAULTS)
def test_a_fault_of_the_probe_itself_is_reported_at_once_with_its_reason(
    ask: Ask, given: dict[str, Any], said: str
) -> None:
    run = ask(**given)

    assert run.reported == ["Failed"]
    assert said in run.said


ALLOW = {"policyDocument": {"Statement": [{"Effect": "Allow"}]}}
DENY = {"policyDocument": {"Statement": [{"Effect": "Deny"}]}}
NEEDS_MORE = {"context": {"error": "insufficient_scope"}}
JUDGEMENTS = {
    "a policy that allows": (ALLOW, "Succeeded"),
    "a policy that denies": (DENY, "Failed"),
    "a policy that denies for a scope": ({**DENY, **NEEDS_MORE}, "Succeeded"),
    "no, for a scope": ({"isAuthorized": False, **NEEDS_MORE}, "Succeeded"),
    "no": ({"isAuthorized": False}, "Failed"),
    "nothing": ({}, "Failed"),
}


@pytest.mark.parametrize(("answer", "status"), JUDGEMENTS.values(), ids=JUDGEMENTS)
def test_an_authorizer_that_takes_the_token_is_good_whatever_else_its_callers_need(
    ask: Ask, answer: dict[str, Any], status: str
) -> None:
    assert ask("authorizer", lambda event, real: answer).reported == [status]


def test_an_edge_that_is_required_is_not_asked_of_the_probe(
    database: DatabaseAddress, administrator: Any, aws: LocalAws, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"EdgeKeyHashes": "0" * 64, "EdgeRequired": "yes"}
    with new_stack(database, administrator, aws, "inprocess", given) as behind_an_edge:
        monkeypatch.setenv("ISSUER", behind_an_edge.base_url)
        assert ask(stack=behind_an_edge).reported == ["Succeeded"]


def test_without_settings_codedeploy_is_told_so(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBED_FUNCTIONS", "{")

    assert ask().reported == ["Failed"]


@pytest.mark.parametrize("creator", ["codeDeployRollback", "CloudFormationRollback"])
def test_a_rollback_waits_for_no_probe(ask: Ask, creator: str) -> None:
    run = ask(broken=_raises("in the version before, too"), creator=creator)

    assert run.reported == ["Succeeded"]
    assert run.invoker.asked == []


def test_without_a_retry_window_no_spent_token_is_shown_again(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ask().invoker.asked

    monkeypatch.setenv("RETRY_WINDOW_S", "0")

    assert len(ask().invoker.asked) == len(usual) - 1


def test_no_token_and_no_password_is_in_the_log(ask: Ask) -> None:
    for name, (function, broken, _) in BAD.items():
        run = ask(function, broken)
        assert PASSWORD not in run.text, name
        assert not [line for line in run.lines if "aut_" in line["detail"] or "eyJ" in line["detail"]], name


def test_no_call_of_the_hook_outlives_it() -> None:
    """One that began with the reserve left ends before the function does, and the report after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        clients = before_traffic._clients()
    invoker, codedeploy = clients.invoker.meta.config, clients.codedeploy.meta.config

    assert invoker.retries["total_max_attempts"] == 1
    attempts = codedeploy.retries["total_max_attempts"]
    longest_s = invoker.connect_timeout + invoker.read_timeout
    longest_s += attempts * (codedeploy.connect_timeout + codedeploy.read_timeout)
    assert longest_s * 1000 < RESERVE_MS
