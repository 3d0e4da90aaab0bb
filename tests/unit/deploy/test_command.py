"""`python -m deploy`: where the statements go, and each failure as one sentence. AWS is moto, or a stubbed refusal."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    SSOTokenLoadError,
)

from deploy import __main__ as command
from deploy.aws import Failed
from deploy.database_users import CLASSES
from deploy.stack import _UNUSABLE, foundation_of, stack_named
from tests.support.aws_account import REGION, empty_account

STACK = "auth-tokens"
CLUSTER = "arn:aws:rds:eu-central-1:123456789012:cluster:tokens"
ADMIN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:admin"
OUTPUTS = {"DatabaseName": "portal", "DatabaseUserSecrets": ",".join(CLASSES)}
OWN_DATABASE = {"DatabaseArn": CLUSTER, "DatabaseAdminSecretArn": ADMIN}
Said = pytest.CaptureFixture[str]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account."""
    with empty_account(monkeypatch):
        yield


def make_stack(**outputs: str) -> None:
    described = {name: {"Value": value} for name, value in outputs.items()}
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}, "Outputs": described}
    boto3.client("cloudformation").create_stack(
        StackName=foundation_of(STACK), TemplateBody=json.dumps(template)
    )


def make_secrets(*names: str) -> None:
    for name in names:
        make_secret(name, json.dumps({"username": f"user_{name}", "password": "p" * 40}))


def make_secret(name: str, text: str) -> None:
    boto3.client("secretsmanager").create_secret(Name=name, SecretString=text)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What the Data API was asked to run. (moto takes any statement, and remembers none.)"""
    return _recorded(monkeypatch, "ExecuteStatement")


def _recorded(monkeypatch: pytest.MonkeyPatch, operation: str) -> list[dict[str, str]]:
    from botocore.client import BaseClient

    asked: list[dict[str, str]] = []
    real = BaseClient._make_api_call

    def call(self: Any, name: str, parameters: dict[str, str]) -> Any:
        if name == operation:
            asked.append(parameters)
        return real(self, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return asked


def test_for_a_database_of_others_the_statements_are_printed(
    aws: None, statements: list[dict[str, str]], capsys: Said
) -> None:
    make_stack(**OUTPUTS)
    make_secrets(*CLASSES)

    assert command.main([STACK, "users"]) == 0

    printed = capsys.readouterr().out
    assert printed.count("CREATE USER IF NOT EXISTS user_") == 3
    assert all(line.endswith(";") for line in printed.splitlines())
    assert statements == []


def test_with_an_existing_proxy_its_owner_names_the_secrets(aws: None, capsys: Said) -> None:
    make_stack(DatabaseName="portal")
    make_secrets("first", "second", "third")

    assert command.main([STACK, "users", "first", "second", "third"]) == 0

    printed = capsys.readouterr().out
    assert "CREATE USER IF NOT EXISTS user_first@'%'" in printed
    assert "GRANT CREATE ON portal.auth_users TO user_third@'%'" in printed


def test_in_the_stack_s_own_database_they_are_run_and_not_shown(
    aws: None, statements: list[dict[str, str]], capsys: Said
) -> None:
    make_stack(**OUTPUTS, **OWN_DATABASE)
    make_secrets(*CLASSES)

    assert command.main([STACK, "grants"]) == 0

    assert capsys.readouterr().out == ""
    assert statements
    assert {(call["resourceArn"], call["secretArn"]) for call in statements} == {(CLUSTER, ADMIN)}
    assert all(" ON portal." in call["sql"] for call in statements)
    assert all(call["sql"].startswith("GRANT ") for call in statements)


def test_the_stack_s_own_database_gets_its_schema_with_the_users(
    aws: None, statements: list[dict[str, str]]
) -> None:
    """The cluster is made without: another DbName would replace it, and all that is in it."""
    make_stack(**OUTPUTS, **OWN_DATABASE)
    make_secrets(*CLASSES)

    assert command.main([STACK, "users"]) == 0

    run = [call["sql"] for call in statements]
    assert run[0] == "CREATE DATABASE IF NOT EXISTS portal"
    assert run[1].startswith("CREATE USER IF NOT EXISTS")


@pytest.mark.parametrize(
    "arguments", [[], [STACK], [STACK, "everything"], [STACK, "users", "a secret"], [STACK, "smoke"]]
)
def test_wrong_arguments_are_told_and_how_to_call_it(arguments: list[str], capsys: Said) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)

    assert ended.value.code == 2
    assert "usage: python -m deploy" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], [STACK, "users", "--help"], [STACK, "smoke", "--help"]])
def test_there_is_help(arguments: list[str], capsys: Said) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)

    assert ended.value.code == 0
    assert "usage: python -m deploy" in capsys.readouterr().out


def _complete() -> None:
    make_stack(**OUTPUTS)
    make_secrets(*CLASSES)


def _of_another_service() -> None:
    make_stack(Something="else")
    make_secrets(*CLASSES)


def _without_secrets() -> None:
    make_stack(**OUTPUTS)


def _with_a_secret(text: str) -> Callable[[], None]:
    def make() -> None:
        make_stack(**OUTPUTS)
        make_secret(CLASSES[0], text)

    return make


FAULTS: dict[str, tuple[Callable[[], None], list[str], str]] = {
    "no stack of that name": (lambda: None, ["users"], f"There is no stack {STACK}-foundation in {REGION}"),
    "a stack of something else": (_of_another_service, ["users", *CLASSES], "has no output DatabaseName"),
    "no secrets of its own": (
        lambda: make_stack(DatabaseName="portal"),
        ["users"],
        "has no secrets of its own",
    ),
    "a secret that is not there": (_without_secrets, ["users"], f"There is no secret reader in {REGION}"),
    "names that are none": (_complete, ["grants", "a", "b", "c"], f"There is no secret a in {REGION}"),
    "a secret that is no JSON": (
        _with_a_secret("hunter2"),
        ["users"],
        "reader is not JSON with username and",
    ),
    "a secret that is no object": (_with_a_secret("[1]"), ["users"], "reader is not JSON with username and"),
    "a secret without a password": (
        _with_a_secret('{"username": "a"}'),
        ["users"],
        "reader is not JSON with",
    ),
}


@pytest.mark.parametrize(("make", "arguments", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_account_is_one_sentence(
    aws: None, make: Callable[[], None], arguments: list[str], said: str, capsys: Said
) -> None:
    make()

    assert_said(command.main([STACK, *arguments]), said, capsys)


def assert_said(code: int, said: str, capsys: Said) -> None:
    """The exit code of what could not be done, and one line that says so and shows no secret."""
    printed = capsys.readouterr()
    assert code == 2
    assert said in printed.err
    assert printed.err.startswith("python -m deploy: ")
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err
    assert "hunter2" not in printed.err
    assert printed.out == ""


def test_a_password_that_would_need_quoting_is_told_and_not_shown(aws: None, capsys: Said) -> None:
    make_stack(**OUTPUTS)
    make_secrets(*CLASSES[1:])
    make_secret(CLASSES[0], json.dumps({"username": "user", "password": "hunter2'; DROP TABLE users"}))

    assert_said(command.main([STACK, "users"]), "The SQL cannot be written", capsys)


REFUSALS = {
    "no region": (NoRegionError(), "No AWS Region is set: give --region"),
    "no credentials": (NoCredentialsError(), "There are no usable AWS credentials"),
    "no session of the sign-in": (
        SSOTokenLoadError(error_msg="no token"),
        "There are no usable AWS credentials",
    ),
    "no network": (
        EndpointConnectionError(endpoint_url="https://cloudformation.eu-central-1.amazonaws.com/"),
        f"cloudformation in {REGION} cannot be reached",
    ),
    "a silent network": (
        ConnectTimeoutError(endpoint_url="https://cloudformation.eu-central-1.amazonaws.com/"),
        f"cloudformation in {REGION} cannot be reached",
    ),
    "no right": (
        ClientError({"Error": {"Code": "AccessDenied", "Message": "Not authorized."}}, "DescribeStacks"),
        "These credentials may not do cloudformation:DescribeStacks",
    ),
    "expired": (
        ClientError({"Error": {"Code": "ExpiredToken", "Message": "Expired."}}, "DescribeStacks"),
        "The AWS credentials have expired: sign in",
    ),
    "keys of nobody's": (
        ClientError({"Error": {"Code": "InvalidClientTokenId", "Message": "Invalid."}}, "DescribeStacks"),
        "AWS does not know these credentials",
    ),
    "too many calls": (
        ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, "DescribeStacks"),
        "too many calls of cloudformation:DescribeStacks",
    ),
    "anything else": (
        ClientError({"Error": {"Code": "InternalFailure", "Message": "Oops."}}, "DescribeStacks"),
        f"AWS refuses cloudformation:DescribeStacks in {REGION}: InternalFailure: Oops.",
    ),
}


@pytest.mark.parametrize(("error", "said"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_of_aws_is_one_sentence(
    aws: None, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str, capsys: Said
) -> None:
    def refuse(*_: object) -> Any:
        raise error

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)

    assert_said(command.main([STACK, "users"]), said, capsys)


def test_without_a_region_the_sdk_itself_says_so(
    aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: Said
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    assert_said(command.main([STACK, "users"]), "No AWS Region is set", capsys)


def test_without_credentials_the_sdk_itself_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: Said
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))

    code = command.main([STACK, "--region", REGION, "users"])

    assert_said(code, "There are no usable AWS credentials", capsys)


def test_an_address_that_refuses_is_said_to_be_out_of_reach(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    """Of the SDK itself, with nothing listening: moto lets through what is not at an address of AWS."""
    from local.host.ports import free_port

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")

    assert_said(command.main([STACK, "users"]), "cannot be reached", capsys)


def test_a_profile_that_is_not_there_is_told(aws: None, capsys: Said) -> None:
    assert_said(command.main([STACK, "--profile", "nobody", "users"]), "There is no profile nobody", capsys)


UNUSABLE = (
    "CREATE_FAILED",
    "CREATE_IN_PROGRESS",
    "DELETE_FAILED",
    "DELETE_IN_PROGRESS",
    "REVIEW_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "ROLLBACK_IN_PROGRESS",
)


class _Described:
    """CloudFormation with one stack, in a state."""

    region = REGION

    def __init__(self, status: str) -> None:
        self._status = status

    def call(self, service: str, operation: str, **_: str) -> Any:
        return {"Stacks": [{"StackName": STACK, "StackStatus": self._status}]}


@pytest.mark.parametrize("status", UNUSABLE)
def test_a_stack_that_was_not_made_whole_is_told_with_its_state(status: str) -> None:
    with pytest.raises(Failed, match=rf"^The stack {STACK} cannot be used: .+ \({status}\)\.$"):
        stack_named(STACK, _Described(status))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"])
def test_a_stack_that_was_made_once_is_used_whatever_came_of_its_update(status: str) -> None:
    assert stack_named(STACK, _Described(status)).status == status  # type: ignore[arg-type]


def test_the_states_are_cloudformation_s() -> None:
    shape = boto3.client("cloudformation", REGION).meta.service_model.shape_for("StackStatus")

    assert set(_UNUSABLE) <= set(shape.enum)
    assert {
        status for status in shape.enum if status.startswith(("CREATE", "ROLLBACK", "DELETE", "REVIEW"))
    } == (set(_UNUSABLE) - {"IMPORT_IN_PROGRESS"}) | {"CREATE_COMPLETE"}


def test_a_statement_that_the_data_api_refuses_is_told_by_its_number(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    from botocore.client import BaseClient

    make_stack(**OUTPUTS, **OWN_DATABASE)
    make_secrets(*CLASSES)
    real = BaseClient._make_api_call
    error = {"Code": "DatabaseResumingException", "Message": "The database is resuming."}

    def call(self: Any, name: str, parameters: Any) -> Any:
        if name == "ExecuteStatement":
            raise ClientError({"Error": error}, name)
        return real(self, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)

    assert_said(command.main([STACK, "users"]), "Statement 1 of 22 was not run. AWS refuses rds-data", capsys)
