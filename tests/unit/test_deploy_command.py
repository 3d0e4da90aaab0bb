"""`python -m deploy`: where the statements go."""

import json
from typing import Any

import pytest

from deploy import __main__ as command
from deploy.database_users import CLASSES

OUTPUTS = {"DatabaseName": "portal", "DatabaseUserSecrets": ",".join(CLASSES)}
OWN_DATABASE = {"DatabaseArn": "arn:cluster", "DatabaseAdminSecretArn": "arn:admin"}


class FakeAws:
    """CloudFormation, Secrets Manager and the Data API, as far as the command calls them."""

    def __init__(self, outputs: dict[str, str]) -> None:
        self._outputs = outputs
        self.run: list[dict[str, str]] = []

    def describe_stacks(self, **asked: str) -> Any:
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self._outputs.items()]
        return {"Stacks": [{"StackName": asked["StackName"], "Outputs": outputs}]}

    def get_secret_value(self, **asked: str) -> Any:
        return {"SecretString": json.dumps({"username": f"user_{asked['SecretId']}", "password": "p" * 40})}

    def execute_statement(self, **statement: str) -> None:
        self.run.append(statement)


def _with(monkeypatch: pytest.MonkeyPatch, **more: str) -> FakeAws:
    aws = FakeAws({**OUTPUTS, **more})
    monkeypatch.setattr(command, "_client", lambda service: aws)
    return aws


def test_for_a_database_of_others_the_statements_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = _with(monkeypatch)

    assert command.main(["auth-tokens", "users"]) == 0

    printed = capsys.readouterr().out
    assert printed.count("CREATE USER IF NOT EXISTS user_") == 3
    assert all(line.endswith(";") for line in printed.splitlines())
    assert aws.run == []


def test_with_an_existing_proxy_its_owner_names_the_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_client", lambda service: FakeAws({"DatabaseName": "portal"}))

    assert command.main(["auth-tokens", "users", "first", "second", "third"]) == 0

    printed = capsys.readouterr().out
    assert "CREATE USER IF NOT EXISTS user_first@'%'" in printed
    assert "GRANT CREATE ON portal.auth_users TO user_third@'%'" in printed


def test_secrets_that_nobody_named_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_client", lambda service: FakeAws({"DatabaseName": "portal"}))

    assert command.main(["auth-tokens", "users"]) == 2

    said = capsys.readouterr()
    assert "auth-tokens has no secrets of its own" in said.err
    assert said.out == ""


def test_in_the_stack_s_own_database_they_are_run_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = _with(monkeypatch, **OWN_DATABASE)

    assert command.main(["auth-tokens", "grants"]) == 0

    assert capsys.readouterr().out == ""
    assert aws.run
    assert {(call["resourceArn"], call["secretArn"]) for call in aws.run} == {("arn:cluster", "arn:admin")}
    assert all(" ON portal." in call["sql"] for call in aws.run)
    assert all(call["sql"].startswith("GRANT ") for call in aws.run)


def test_the_stack_s_own_database_gets_its_schema_with_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster is made without: another DbName would replace it, and all that is in it."""
    aws = _with(monkeypatch, **OWN_DATABASE)

    assert command.main(["auth-tokens", "users"]) == 0

    statements = [call["sql"] for call in aws.run]
    assert statements[0] == "CREATE DATABASE IF NOT EXISTS portal"
    assert statements[1].startswith("CREATE USER IF NOT EXISTS")


@pytest.mark.parametrize(
    "arguments", [[], ["auth-tokens"], ["auth-tokens", "everything"], ["auth-tokens", "users", "a secret"]]
)
def test_anything_else_is_answered_by_how_to_call_it(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 2
    assert "users|grants" in capsys.readouterr().err
