"""`python -m deploy STACK doctor`: an account at moto with a real local stack's functions; whole, and with faults."""

import contextlib
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from deploy import __main__ as command
from deploy import checks
from deploy.aws import Aws
from deploy.checks import Subject
from deploy.stack import foundation_of, operations_of, stack_named
from local.client import Client
from local.host.ports import free_port
from local.runners import FunctionError
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from local.templates.arns import ACCOUNT_ID
from tests.docs.markdown import DOCS
from tests.support.aws_account import REGION, empty_account

STACK = "auth-tokens-doctor"
RULE = f"{STACK}-PortalUsers"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/doctor"
FOLDERS = {"DiscoveryFunction": "discovery", "CleanupFunction": "cleanup", "MigrateFunction": "migrate"}
ALARMS = (f"{STACK}-ErrorsAlarm", f"{STACK}-FaultsAlarm")
ALARM: Any = {
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "MetricName": "Errors",
    "Namespace": "AWS/Lambda",
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 0.0,
}
Said = pytest.CaptureFixture[str]
Fault = contextlib.AbstractContextManager[None]


class Account:
    """What a deployment would have made. answers: what an operation of AWS answers instead, by its name."""

    def __init__(self, stack: LocalStack, patch: pytest.MonkeyPatch) -> None:
        self.local = stack
        self.answers: dict[str, Callable[[Any, Callable[[], Any]], Any]] = {}
        self.keys = [self._key(name) for name in ("tokens", "operations")]
        for bus in ("portal", "security"):
            boto3.client("events").create_event_bus(Name=bus)
        self._make_role()
        self._make_stack()
        for name in ALARMS:
            boto3.client("cloudwatch").put_metric_alarm(AlarmName=name, **ALARM)
        for name in checks.SCHEDULES:
            self.schedule(f"{STACK}-{name}", "ENABLED")
        self._publish()
        real = BaseClient._make_api_call

        def call(client: Any, operation: str, parameters: Any) -> Any:
            def usual() -> Any:
                if operation == "Invoke":
                    return self._invoke(parameters)
                answer = real(client, operation, parameters)
                # moto's CloudFormation makes no alarms.
                if operation == "ListStackResources" and parameters["StackName"] == operations_of(STACK):
                    answer["StackResourceSummaries"] += [_alarm_resource(name) for name in ALARMS]
                return answer

            answer = self.answers.get(operation)
            return answer(parameters, usual) if answer else usual()

        patch.setattr(BaseClient, "_make_api_call", call)

    def physical(self, name: str) -> str:
        client = boto3.client("cloudformation")
        listed = [
            resource
            for stack in (STACK, foundation_of(STACK))
            for resource in client.list_stack_resources(StackName=stack)["StackResourceSummaries"]
        ]
        return next(str(each["PhysicalResourceId"]) for each in listed if each["LogicalResourceId"] == name)

    def schedule(self, name: str, state: str) -> None:
        boto3.client("scheduler").create_schedule(
            Name=name,
            State=state,
            ScheduleExpression="rate(5 minutes)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:x", "RoleArn": ROLE},
        )

    def _invoke(self, asked: Any) -> Any:
        assert asked["Qualifier"] == "live"
        folder = next(f for name, f in FOLDERS.items() if self.functions[name] == asked["FunctionName"])
        try:
            answer = self.local.invoke(folder, json.loads(asked["Payload"]))
        except FunctionError as exc:
            said = {"errorType": exc.error_type, "errorMessage": str(exc)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def _key(self, name: str) -> str:
        kms = boto3.client("kms")
        arn = str(kms.create_key(Description=name)["KeyMetadata"]["Arn"])
        kms.enable_key_rotation(KeyId=arn)
        return arn

    def _make_role(self) -> None:
        trust = {"Version": "2012-10-17", "Statement": []}
        with contextlib.suppress(boto3.client("iam").exceptions.EntityAlreadyExistsException):
            boto3.client("iam").create_role(RoleName="doctor", AssumeRolePolicyDocument=json.dumps(trust))

    def _make_stack(self) -> None:
        token_key, operations_key = self.keys
        outputs = {
            "DatabaseName": self.local.database.name,
            "TokenKeyArn": token_key,
            "OperationsKeyArn": operations_key,
            "PortalEventBusName": "portal",
            "SecurityEventBusName": "security",
        }
        queue = {"Type": "AWS::SQS::Queue"}
        given = {"Issuer": self.local.base_url, "DatabaseTables": "made"}
        _create(foundation_of(STACK), {"DeadLetterQueue": queue}, outputs)
        made = {**{name: _function() for name in FOLDERS}, "PortalUsers": _rule()}
        _create(STACK, made, {"ApiUrl": self.local.base_url}, given)
        _create(operations_of(STACK), {"Topic": {"Type": "AWS::SNS::Topic"}}, {})

    def _publish(self) -> None:
        client = boto3.client("lambda")
        self.functions = {name: self.physical(name) for name in FOLDERS}
        for name, function in self.functions.items():
            # A version is described by a text of its own (test_template_deployment.py), not by its function's.
            about = 'settings 1, looks by {"check": true}' if name == "MigrateFunction" else "settings 1"
            version = client.publish_version(FunctionName=function, Description=about)["Version"]
            client.create_alias(FunctionName=function, Name="live", FunctionVersion=version)


def _create(name: str, resources: Any, outputs: dict[str, str], given: dict[str, str] | None = None) -> None:
    given = given or {}
    template = {
        "Parameters": {parameter: {"Type": "String"} for parameter in given},
        "Resources": resources,
        "Outputs": {output: {"Value": value} for output, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
    )


def _function() -> dict[str, Any]:
    code = {"ZipFile": "def handler(event, context): pass"}
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": code,
            "Handler": "index.handler",
            "Role": ROLE,
            "Runtime": "python3.13",
        },
    }


def _rule() -> dict[str, Any]:
    pattern = {"source": ["portal.users"]}
    about = {"Name": RULE, "EventBusName": "portal", "EventPattern": pattern, "State": "ENABLED"}
    return {"Type": "AWS::Events::Rule", "Properties": about}


def _alarm_resource(name: str) -> dict[str, str]:
    return {"LogicalResourceId": name, "PhysicalResourceId": name, "ResourceType": "AWS::CloudWatch::Alarm"}


@pytest.fixture(scope="module")
def account(stack: LocalStack) -> Iterator[Account]:
    Client(stack.base_url).post("/auth/login", {"username": USERS[0].username, "password": PASSWORD})
    with pytest.MonkeyPatch.context() as patch, empty_account(patch):
        yield Account(stack, patch)


def doctor() -> int:
    return command.main([STACK, "doctor"])


def test_a_whole_stack_is_well(account: Account, capsys: Said) -> None:
    assert doctor() == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert len(lines) >= 20


@contextlib.contextmanager
def answering(
    account: Account, operation: str, answer: Callable[[Any, Callable[[], Any]], Any]
) -> Iterator[None]:
    account.answers[operation] = answer
    try:
        yield
    finally:
        del account.answers[operation]


def described(**changed: Any) -> Callable[[Account], Fault]:
    """CloudFormation describes the stack otherwise. changed: StackStatus, Outputs, Parameters, by name."""

    def fault(account: Account) -> Fault:
        def answer(parameters: Any, usual: Callable[[], Any]) -> Any:
            [found] = usual()["Stacks"]
            for member, value in changed.items():
                given = value(account) if callable(value) else value
                if member == "StackStatus":
                    found[member] = given
                else:
                    kind = member.removesuffix("s")
                    kept = [each for each in found.get(member, ()) if each[f"{kind}Key"] not in given]
                    more = [{f"{kind}Key": key, f"{kind}Value": text} for key, text in given.items()]
                    found[member] = kept + more
            return {"Stacks": [found]}

        return answering(account, "DescribeStacks", answer)

    return fault


def checked(function: str, **changed: Any) -> Callable[[Account], Fault]:
    """A function answers the check otherwise."""

    def fault(account: Account) -> Fault:
        def answer(parameters: Any, usual: Callable[[], Any]) -> Any:
            found = usual()
            if parameters["FunctionName"] != account.functions[function]:
                return found
            said = {**json.loads(found["Payload"].read()), **changed}
            return {"Payload": io.BytesIO(json.dumps(said).encode())}

        return answering(account, "Invoke", answer)

    return fault


def answered(function: str, said: object) -> Callable[[Account], Fault]:
    """A function answers the check with something else."""

    def fault(account: Account) -> Fault:
        def answer(parameters: Any, usual: Callable[[], Any]) -> Any:
            if parameters["FunctionName"] != account.functions[function]:
                return usual()
            return {"Payload": io.BytesIO(json.dumps(said).encode())}

        return answering(account, "Invoke", answer)

    return fault


def failing(function: str) -> Callable[[Account], Fault]:
    def fault(account: Account) -> Fault:
        def answer(parameters: Any, usual: Callable[[], Any]) -> Any:
            if parameters["FunctionName"] != account.functions[function]:
                return usual()
            said = {"errorType": "Unavailable", "errorMessage": "database"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}

        return answering(account, "Invoke", answer)

    return fault


def refused(operation: str, code: str = "AccessDeniedException") -> Callable[[Account], Fault]:
    def fault(account: Account) -> Fault:
        def answer(parameters: Any, usual: Callable[[], Any]) -> Any:
            raise ClientError({"Error": {"Code": code, "Message": "not authorized"}}, operation)

        return answering(account, operation, answer)

    return fault


def undone(do: Callable[[Account], Any], undo: Callable[[Account], Any]) -> Callable[[Account], Fault]:
    """Something is changed in the account itself, and back."""

    @contextlib.contextmanager
    def fault(account: Account) -> Iterator[None]:
        do(account)
        try:
            yield
        finally:
            undo(account)

    return fault


def _schedule(name: str, state: str | None) -> Callable[[Account], None]:
    def change(account: Account) -> None:
        client = boto3.client("scheduler")
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            client.delete_schedule(Name=f"{STACK}-{name}")
        if state:
            account.schedule(f"{STACK}-{name}", state)

    return change


def _rule_is(operation: str) -> Callable[[Account], Any]:
    return lambda account: getattr(boto3.client("events"), operation)(Name=RULE, EventBusName="portal")


def _alarm_is(state: str) -> Callable[[Account], Any]:
    return lambda account: boto3.client("cloudwatch").set_alarm_state(
        AlarmName=ALARMS[0], StateValue=state, StateReason="test"
    )


def _publish_another(account: Account) -> None:
    client, function = boto3.client("lambda"), account.functions["CleanupFunction"]
    client.update_function_configuration(FunctionName=function, MemorySize=256)
    client.publish_version(FunctionName=function)


def _move_to_the_latest(account: Account) -> None:
    client, function = boto3.client("lambda"), account.functions["CleanupFunction"]
    client.update_alias(FunctionName=function, Name="live", FunctionVersion="2")


def _send(account: Account) -> None:
    boto3.client("sqs").send_message(QueueUrl=account.physical("DeadLetterQueue"), MessageBody="{}")


def _purge(account: Account) -> None:
    boto3.client("sqs").purge_queue(QueueUrl=account.physical("DeadLetterQueue"))


def _kms(operation: str, **more: Any) -> Callable[[Account], Any]:
    return lambda account: getattr(boto3.client("kms"), operation)(
        KeyId=account.keys[0].rpartition("/")[2],  # moto knows some of them by no ARN
        **more,
    )


def _disabled_key() -> str:
    kms = boto3.client("kms")
    about = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    kms.disable_key(KeyId=about["KeyId"])
    return str(about["Arn"])


def _and_enable(account: Account) -> None:
    _kms("cancel_key_deletion")(account)
    _kms("enable_key")(account)


def _sql(change: str) -> Callable[[Account], Any]:
    def run(account: Account) -> None:
        with contextlib.closing(account.local.connect()) as connection:
            connection.cursor().execute(f"ALTER TABLE auth_users {change}")

    return run


def _of_the_same_server(account: Account) -> dict[str, str]:
    return {"Issuer": account.local.base_url.replace("127.0.0.1", "localhost")}


MONTHS_OLD = [
    {"kid": "k1", "purpose": "signing", "state": "signing", "age_s": 60 * 86_400, "use_for_s": 30 * 86_400}
]
WRONG: dict[str, tuple[Callable[[Account], Fault], str]] = {
    "the last change failed": (
        described(StackStatus="UPDATE_ROLLBACK_FAILED"),
        f"The last change of {STACK}-foundation failed",
    ),
    "a change goes on": (described(StackStatus="UPDATE_IN_PROGRESS"), "is being changed"),
    "no API": (
        described(Outputs=lambda account: {"ApiUrl": f"http://127.0.0.1:{free_port()}"}),
        "cannot be reached: nobody listens there",
    ),
    "no service at the issuer": (
        described(Parameters=lambda account: {"Issuer": f"{account.local.base_url}/elsewhere"}),
        "gives 404",
    ),
    "another issuer": (described(Parameters=_of_the_same_server), "a service says that its issuer is"),
    "pending migrations": (
        checked("MigrateFunction", pending=["0099_more.sql"]),
        "Migrations are pending: 0099_more.sql. Invoke MigrateFunction",
    ),
    "changed migrations": (checked("MigrateFunction", changed=["0002_tokens.sql"]), "0002_tokens.sql."),
    "the database's clock": (checked("MigrateFunction", database_now_s=0), "The database's clock is"),
    "old keys": (checked("MigrateFunction", keys=MONTHS_OLD), "The key k1 (signing) is in use for 60 days"),
    "a migrator without rights": (checked("MigrateFunction", grants=[]), "The migrator lacks ALTER ON"),
    "a writer without rights": (checked("CleanupFunction", grants=[]), "The writer lacks DELETE ON"),
    "a reader without rights": (checked("DiscoveryFunction", grants=[]), "The reader lacks SELECT"),
    "a function that fails": (failing("MigrateFunction"), "MigrateFunction fails (Unavailable: database)"),
    "a reader that cannot log in": (failing("DiscoveryFunction"), "DiscoveryFunction fails"),
    "a key that is disabled": (undone(_kms("disable_key"), _kms("enable_key")), "TokenKey is Disabled"),
    "a key that is to be deleted": (
        undone(_kms("schedule_key_deletion", PendingWindowInDays=7), _and_enable),
        "TokenKey is PendingDeletion",
    ),
    "a key that does not rotate": (
        undone(_kms("disable_key_rotation"), _kms("enable_key_rotation")),
        "TokenKey is enabled and does not rotate",
    ),
    "a signing key of others that is disabled": (
        lambda account: described(
            Parameters={"SigningMode": "kms", "SigningKeyArns": _disabled_key()},
        )(account),
        "The signing key arn:aws:kms:",
    ),
    "no bus": (
        undone(
            lambda account: boto3.client("events").delete_event_bus(Name="security"),
            lambda account: boto3.client("events").create_event_bus(Name="security"),
        ),
        "SecurityEventBus is gone",
    ),
    "a schedule that is off": (
        undone(_schedule("cleanup", "DISABLED"), _schedule("cleanup", "ENABLED")),
        f"The schedule {STACK}-cleanup is disabled: enable it.",
    ),
    "a schedule that is not there": (
        undone(_schedule("rotate-keys", None), _schedule("rotate-keys", "ENABLED")),
        f"The schedule {STACK}-rotate-keys is missing: deploy again.",
    ),
    "a rule that is off": (
        undone(_rule_is("disable_rule"), _rule_is("enable_rule")),
        f"The rule {RULE} is disabled: enable it.",
    ),
    "a rule that is not there": (
        refused("DescribeRule", "ResourceNotFoundException"),
        f"The rule {RULE} is missing: deploy again.",
    ),
    "a table of the Portal without an index": (
        undone(_sql("DROP KEY ux_username"), _sql("ADD UNIQUE KEY ux_username (username)")),
        "auth_users has no index that begins with username: make one.",
    ),
    "dead letters": (undone(_send, _purge), "DeadLetterQueue has 1 messages"),
    "an alarm": (undone(_alarm_is("ALARM"), _alarm_is("OK")), "In ALARM:"),
    "live is not the latest": (
        undone(_publish_another, _move_to_the_latest),
        "live is version 1, not the latest 2",
    ),
    "an alias that is gone": (
        refused("GetAlias", "ResourceNotFoundException"),
        "DiscoveryFunction has no alias live",
    ),
}


@pytest.mark.parametrize(("fault", "said"), WRONG.values(), ids=WRONG)
def test_a_fault_is_found_and_said(
    account: Account, fault: Callable[[Account], Fault], said: str, capsys: Said
) -> None:
    with fault(account):
        code = doctor()

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert [line for line in lines if line.startswith("WRONG") and said in line], "\n".join(lines)
    assert not [line for line in lines if line.startswith("?")]


UNSEEN: dict[str, tuple[Callable[[Account], Fault], str]] = {
    "no right to keys": (refused("DescribeKey"), "may not do kms:DescribeKey"),
    "no right to invoke": (refused("Invoke"), "may not do lambda:Invoke"),
    "no right to schedules": (refused("ListSchedules"), "may not do scheduler:ListSchedules"),
    "no right to buses": (refused("DescribeEventBus"), "may not do events:DescribeEventBus"),
    "no right to alarms": (refused("DescribeAlarms"), "may not do cloudwatch:DescribeAlarms"),
    "migrate of an earlier release": (
        lambda account: answering(
            account,
            "GetFunctionConfiguration",
            lambda parameters, usual: {**usual(), "Description": "settings 1"},
        ),
        "is of an earlier release, which would migrate if it were asked",
    ),
    "another function of an earlier release": (
        answered("CleanupFunction", {"complete": True}),
        "CleanupFunction answers no check: it is of an earlier release",
    ),
    "an answer that is no object": (answered("DiscoveryFunction", []), "DiscoveryFunction answers no check"),
}


@pytest.mark.parametrize(("fault", "said"), UNSEEN.values(), ids=UNSEEN)
def test_what_cannot_be_seen_is_neither_well_nor_wrong(
    account: Account, fault: Callable[[Account], Fault], said: str, capsys: Said
) -> None:
    with fault(account):
        code = doctor()

    lines = capsys.readouterr().out.splitlines()
    assert code == 2
    assert [line for line in lines if line.startswith("?") and said in line], "\n".join(lines)
    assert not [line for line in lines if line.startswith("WRONG")]
    assert len([line for line in lines if line.startswith("ok ")]) >= 10


def test_clocks_that_differ_are_found(account: Account) -> None:
    subject = Subject(stack_named(STACK, Aws()), Aws(), clock=lambda: time.time() + 3600)

    found = [finding for finding in checks.issuer(subject) if "clock" in finding.sentence]

    assert [finding.is_well for finding in found] == [False]
    assert "s behind this machine's" in found[0].sentence


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}], ids=["no date", "no instant"])
def test_a_clock_that_is_not_told_is_not_compared(account: Account, headers: dict[str, str]) -> None:
    subject = Subject(stack_named(STACK, Aws()), Aws())
    subject.metadata = replace(subject.metadata, headers=headers)

    found = [finding for finding in checks.issuer(subject) if "clocks" in finding.sentence]

    assert [finding.is_well for finding in found] == [None]


def test_a_cdn_that_is_required_may_hide_the_api(account: Account, capsys: Said) -> None:
    hidden = f"{account.local.base_url}/auth/session"  # any 4xx will do; a 403 is what the edge gives
    with described(Parameters={"EdgeRequired": "yes"}, Outputs={"ApiUrl": hidden})(account):
        assert doctor() == 1
    assert f"The API at {hidden} gives 4" in capsys.readouterr().out


def test_an_unknown_stack_is_one_sentence(account: Account, capsys: Said) -> None:
    assert command.main(["nobody", "doctor"]) == 2
    assert capsys.readouterr().err.startswith("python -m deploy: There is no stack nobody in")


def _called_by_doctor(account: Account) -> tuple[set[tuple[str, str]], set[str]]:
    """The operations of AWS that it calls, by service, and what it hands to functions."""
    called: set[tuple[str, str]] = set()
    payloads: set[str] = set()

    def noted(service: str, operation: str) -> Callable[[Any, Callable[[], Any]], Any]:
        def answer(parameters: Any, usual: Callable[[], Any]) -> Any:
            called.add((service, operation))
            if operation == "Invoke":
                payloads.add(parameters["Payload"])
            return usual()

        return answer

    with contextlib.ExitStack() as noting:
        for service in ("cloudformation", "lambda", "kms", "events", "scheduler", "sqs", "cloudwatch"):
            for operation in boto3.client(service).meta.service_model.operation_names:
                if operation not in account.answers:
                    noting.enter_context(answering(account, operation, noted(service, operation)))
        doctor()
    return called, payloads


def test_it_changes_nothing(account: Account) -> None:
    """Of the operations of AWS that it calls, none writes; and of the functions' own payloads, none but the check."""
    called, payloads = _called_by_doctor(account)

    assert all(name.startswith(("Describe", "Get", "List")) for _, name in called - {("lambda", "Invoke")})
    assert payloads == {json.dumps({"check": True})}


def test_the_page_says_which_rights_it_needs(account: Account) -> None:
    called, _ = _called_by_doctor(account)
    page = (DOCS / "how-to" / "check-a-deployment.md").read_text("utf-8")
    [sentence] = re.findall(
        r"^It needs (`cloudformation:DescribeStacks`.*?)\.$", page, re.MULTILINE | re.DOTALL
    )

    named = set(re.findall(r"`(\w+:\w+)`", sentence))
    renamed = {"lambda:Invoke": "lambda:InvokeFunction"}
    found = {f"{service}:{operation}" for service, operation in called}
    # What there is one of in a real stack alone: moto's CloudFormation was given no rule.
    assert named == {renamed.get(name, name) for name in found} | {"events:DescribeRule"}
