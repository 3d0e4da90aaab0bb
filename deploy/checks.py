"""The single checks of `doctor`: each looks at one thing of a deployed stack, changes nothing, and says sentences."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from typing import Any

from deploy.aws import Aws, Failed
from deploy.http import Reply, Service
from deploy.rights import missing, needed_by, rights_in, surplus
from deploy.sign_in_probe import DISCOVERY, JWKS, Call, Unreachable
from deploy.stack import Stack, foundation_of, operations_of, stack_named

# Beyond it tokens are refused at once: it is the service's leeway for clocks (domain/claims.py) and a margin.
MAX_SKEW_S = 30
# rotate_keys runs daily and may fail twice before anybody has to care.
OVERDUE_S = 3 * 86_400
SCHEDULES = ("cleanup", "analytics", "rotate-keys")
# The class of database users → the function that says what its user may do. Any of the class would do.
ASKED = {"reader": "DiscoveryFunction", "writer": "CleanupFunction", "migrator": "MigrateFunction"}
CHECK = {"check": True}
_PORTAL_S_BUS = "PortalEventBusName"
LIVE = "live"


class Unhealthy(Exception):
    """What was looked at does not work. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """is_well: None where it could not be looked at. is_advice: it works, and could be better."""

    is_well: bool | None
    sentence: str
    is_advice: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """One of the stack: logical and physical id, and CloudFormation's type."""

    name: str
    id: str
    kind: str


class Subject:
    """A product's stack under examination, with those around it; what several checks look at is looked up once."""

    def __init__(self, stack: Stack, aws: Aws, clock: Callable[[], float] = time.time) -> None:
        self.stack = stack
        self.aws = aws
        self.clock = clock

    @cached_property
    def foundation(self) -> Stack:
        """What the product stands on. Raises Failed."""
        return stack_named(foundation_of(self.stack.name), self.aws)

    @cached_property
    def operations(self) -> Stack:
        """What looks at the product. Raises Failed."""
        return stack_named(operations_of(self.stack.name), self.aws)

    @cached_property
    def resources(self) -> Sequence[Resource]:
        """Of the product. Raises Failed."""
        return self.resources_of(self.stack)

    def resources_of(self, stack: Stack) -> Sequence[Resource]:
        """Raises Failed."""
        listed = self.aws.each(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack.name
        )
        return [
            Resource(each["LogicalResourceId"], each["PhysicalResourceId"], each["ResourceType"])
            for each in listed
            if each.get("PhysicalResourceId")
        ]

    def named(self, name: str) -> Resource:
        """Raises Failed."""
        for resource in self.resources:
            if resource.name == name:
                return resource
        raise Failed(f"The stack {self.stack.name} has no resource {name}: deploy this release to it.")

    @cached_property
    def metadata(self) -> Reply:
        """The issuer's own. Raises Failed, Unreachable."""
        return Service(self.stack.issuer).reply(Call("GET", DISCOVERY))

    @cached_property
    def portal(self) -> Any:
        """What cleanup says of its rights and of the Portal's tables. Raises Failed, Unhealthy."""
        answer = self.asked(ASKED["writer"])
        if "portal" not in answer:
            raise Failed(
                f"{ASKED['writer']} says nothing of the Portal: it is of an earlier release; deploy this one."
            )
        return answer

    @cached_property
    def schema(self) -> Any:
        """What migrate says of schema, keys and clocks. Raises Failed, Unhealthy."""
        return self.asked(ASKED["migrator"])

    def asked(self, function: str) -> Any:
        """What a function's live version answers CHECK. Raises Failed, Unhealthy."""
        name = self.named(function).id
        if function == ASKED["migrator"]:
            self._refuse_a_migration(name)
        invoked = self.aws.call(
            "lambda", "invoke", FunctionName=name, Qualifier=LIVE, Payload=json.dumps(CHECK)
        )
        answer = json.loads(invoked["Payload"].read())
        if "FunctionError" in invoked:
            said = f"{answer.get('errorType')}: {answer.get('errorMessage')}"
            raise Unhealthy(f"{function} fails ({said}): its log group has the reason.")
        if not isinstance(answer, dict) or "grants" not in answer:
            raise Failed(f"{function} answers no check: it is of an earlier release; deploy this one.")
        return answer

    def _refuse_a_migration(self, name: str) -> None:
        """A release from before this check would migrate instead."""
        about = self.aws.call("lambda", "get_function_configuration", FunctionName=name, Qualifier=LIVE)
        if '"check"' not in about.get("Description", ""):
            raise Failed(
                f"{name} is of an earlier release, which would migrate if it were asked: deploy this one."
            )


def _of_kind(kind: str, among: Sequence[Resource]) -> list[Resource]:
    return [resource for resource in among if resource.kind == kind]


Check = Callable[[Subject], Iterator[Finding]]


def stack_states(subject: Subject) -> Iterator[Finding]:
    yield _state(subject.stack)
    yield from findings_of(_foundation_state, subject)
    yield from findings_of(_operations_state, subject)


def _foundation_state(subject: Subject) -> Iterator[Finding]:
    yield _state(subject.foundation)


def _operations_state(subject: Subject) -> Iterator[Finding]:
    yield _state(subject.operations)


def _state(stack: Stack) -> Finding:
    status = stack.status
    if status.endswith("_IN_PROGRESS"):
        return Finding(
            False, f"{stack.name} is being changed ({status}): what follows may be different soon."
        )
    if status.endswith("_FAILED"):
        events = "`aws cloudformation describe-stack-events`"
        return Finding(False, f"The last change of {stack.name} failed ({status}): {events}.")
    return Finding(True, f"The stack {stack.name} is at rest ({status}).")


def api(subject: Subject) -> Iterator[Finding]:
    """Where API Gateway serves, which a CDN that is required hides."""
    url = subject.stack.output("ApiUrl")
    reply = Service(url).reply(Call("GET", DISCOVERY))
    if reply.status == 403 and subject.stack.parameters.get("EdgeRequired") == "yes":
        yield Finding(True, f"The API at {url} refuses what comes around the CDN.")
    else:
        yield Finding(reply.status == 200, f"The API at {url} gives {reply.answer.said} for its metadata.")


def issuer(subject: Subject) -> Iterator[Finding]:
    reply, expected = subject.metadata, subject.stack.issuer
    if reply.status != 200:
        yield Finding(False, f"The issuer's address {expected} gives {reply.answer.said} for its metadata.")
        return
    said = reply.answer.body.get("issuer")
    if said == expected:
        yield Finding(True, f"The issuer is {said}, and is served there.")
    else:
        yield Finding(
            False, f"At {expected} a service says that its issuer is {said}: look at domain and mapping."
        )
    yield from _clock(reply, subject.clock())


def _clock(reply: Reply, now: float) -> Iterator[Finding]:
    try:
        skew_s = round(parsedate_to_datetime(reply.headers.get("date", "")).timestamp() - now)
    except ValueError:
        yield Finding(None, "The answer has no Date, so the clocks are not compared.")
        return
    yield Finding(
        abs(skew_s) <= MAX_SKEW_S,
        f"The clock there is {abs(skew_s)} s {'behind' if skew_s < 0 else 'ahead of'} this machine's.",
    )


def jwks(subject: Subject) -> Iterator[Finding]:
    reply = Service(subject.stack.issuer).reply(Call("GET", JWKS))
    keys = reply.answer.body.get("keys")
    if reply.status != 200 or not isinstance(keys, list):
        yield Finding(False, f"The public keys are not there: GET {JWKS} gives {reply.answer.said}.")
    elif not keys:
        yield Finding(
            False, "There is no public key: nobody has ever signed in, as the first sign-in makes it."
        )
    else:
        yield Finding(True, f"{len(keys)} public keys are published.")


def key_ages(subject: Subject) -> Iterator[Finding]:
    """Of the keys in use: rotate_keys changes them by their age."""
    for key in subject.schema["keys"]:
        if key["state"] not in ("signing", "active"):
            continue
        age_days = key["age_s"] // 86_400
        is_due = key["use_for_s"] and key["age_s"] > key["use_for_s"] + OVERDUE_S
        text = f"The key {key['kid']} ({key['purpose']}) is in use for {age_days} days"
        late = f", and should have been replaced after {key['use_for_s'] // 86_400}: rotate_keys does not run"
        yield Finding(not is_due, f"{text}{late if is_due else ''}.")


def schema(subject: Subject) -> Iterator[Finding]:
    found = subject.schema
    if found["pending"]:
        yield Finding(
            False, f"Migrations are pending: {', '.join(found['pending'])}. Invoke MigrateFunction with {{}}."
        )
    else:
        yield Finding(True, f"The schema is up to date ({len(found['applied'])} migrations).")
    if found["changed"]:
        yield Finding(
            False, f"Migrations were changed after they had been applied: {', '.join(found['changed'])}."
        )
    skew_s = found["database_now_s"] - found["now_s"]
    yield Finding(abs(skew_s) <= MAX_SKEW_S, f"The database's clock is {abs(skew_s)} s off the functions'.")


def rights(subject: Subject) -> Iterator[Finding]:
    """By what the server shows each user of itself; not what a role of the database gives, nor that it works."""
    name = subject.foundation.output("DatabaseName")
    for user_class, function in ASKED.items():
        yield from findings_of(partial(_class_rights, user_class, function, name), subject)


def _class_rights(user_class: str, function: str, schema_name: str, subject: Subject) -> Iterator[Finding]:
    answers = {"migrator": lambda: subject.schema, "writer": lambda: subject.portal}
    answer = answers.get(user_class, lambda: subject.asked(function))()
    mapping = None if user_class == "migrator" else subject.portal["mapping"]
    needed, had = needed_by(user_class, schema_name, mapping), rights_in(answer["grants"])
    lacking, more = missing(needed, had), surplus(needed, had)
    if lacking:
        listed = "; ".join(map(str, lacking))
        command = "users" if user_class == "migrator" else "grants"
        yield Finding(
            False, f"The {user_class} lacks {listed}: run `python -m deploy {subject.stack.name} {command}`."
        )
    else:
        yield Finding(True, f"The {user_class} can log in and has its rights.")
    if more:
        listed = "; ".join(map(str, more))
        yield Finding(
            True, f"The {user_class} has more than it needs: {listed}. Take it away.", is_advice=True
        )


def portal(subject: Subject) -> Iterator[Finding]:
    """The Portal's tables and their server, as the writer sees them."""
    found = [each for each in subject.portal["portal"] if each["level"] != "ok"]
    for each in found:
        yield Finding(each["level"] == "should", each["sentence"], is_advice=each["level"] == "should")
    if not any(each["level"] == "must" for each in found):
        yield Finding(True, "The Portal's tables fit the mapping.")


def kms(subject: Subject) -> Iterator[Finding]:
    """The foundation's keys, and those that sign by the product's parameter."""
    outputs = subject.foundation.outputs
    made = ("TokenKeyArn", "OperationsKeyArn", "SigningKeyArn")
    keys = {outputs[output]: output.removesuffix("Arn") for output in made if output in outputs}
    if subject.stack.parameters.get("SigningMode") == "kms":
        named = subject.stack.parameters.get("SigningKeyArns", "").split(",")
        keys |= {arn: f"The signing key {arn}" for arn in named if arn and arn not in keys}
    for arn, name in keys.items():
        yield from findings_of(partial(_key, arn, name), subject)


def _key(arn: str, name: str, subject: Subject) -> Iterator[Finding]:
    about = subject.aws.call("kms", "describe_key", KeyId=arn)["KeyMetadata"]
    if about["KeyState"] != "Enabled":
        what = "cancel its deletion or enable it at once, or no session survives"
        yield Finding(False, f"{name} is {about['KeyState']}: {what}.")
        return
    if about.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        yield Finding(True, f"{name} is enabled.")
        return
    rotates = subject.aws.call("kms", "get_key_rotation_status", KeyId=arn)["KeyRotationEnabled"]
    yield Finding(
        rotates, f"{name} is enabled and {'rotates' if rotates else 'does not rotate: switch it on'}."
    )


def buses(subject: Subject) -> Iterator[Finding]:
    for output in (_PORTAL_S_BUS, "SecurityEventBusName"):
        name = output.removesuffix("Name")
        try:
            subject.aws.call("events", "describe_event_bus", Name=subject.foundation.output(output))
            yield Finding(True, f"{name} is there.")
        except Failed as exc:
            is_gone = exc.code == "ResourceNotFoundException"
            yield Finding(
                False if is_gone else None, f"{name} is gone: deploy again." if is_gone else str(exc)
            )


def schedules(subject: Subject) -> Iterator[Finding]:
    """And the rule for the Portal's events: what runs without a caller."""
    prefix = f"{subject.stack.name}-"
    listed = subject.aws.each("scheduler", "list_schedules", "Schedules", NamePrefix=prefix)
    states = {each["Name"].removeprefix(prefix): each["State"] for each in listed}
    for name in SCHEDULES:
        yield _switched_on(subject, f"The schedule {prefix}{name}", states.get(name, "missing"))
    for rule in _of_kind("AWS::Events::Rule", subject.resources):
        yield from findings_of(partial(_rule, rule), subject)


def _rule(rule: Resource, subject: Subject) -> Iterator[Finding]:
    """Its id may be BUS|NAME."""
    name, bus = rule.id.rpartition("|")[2], subject.foundation.output(_PORTAL_S_BUS)
    try:
        state = subject.aws.call("events", "describe_rule", Name=name, EventBusName=bus)["State"]
    except Failed as exc:
        if exc.code != "ResourceNotFoundException":
            raise
        state = "missing"
    yield _switched_on(subject, f"The rule {name}", state)


def _switched_on(subject: Subject, what: str, state: str) -> Finding:
    if state == "ENABLED":
        return Finding(True, f"{what} is on.")
    tables = subject.stack.parameters.get("DatabaseTables", "made")
    why = "deploy again" if state == "missing" else "enable it"
    if tables != "made":
        why = f"DatabaseTables is {tables}: go on with the first deployment"
    return Finding(False, f"{what} is {state.lower()}: {why}.")


def functions(subject: Subject) -> Iterator[Finding]:
    for function in _of_kind("AWS::Lambda::Function", subject.resources):
        if function.name != "ProbeFunction":  # CodeDeploy asks it itself, by no alias
            yield from findings_of(partial(_function, function), subject)


def _function(function: Resource, subject: Subject) -> Iterator[Finding]:
    try:
        alias = subject.aws.call("lambda", "get_alias", FunctionName=function.id, Name=LIVE)
    except Failed as exc:
        if exc.code == "ResourceNotFoundException":
            raise Unhealthy(
                f"{function.name} has no alias {LIVE}, by which everybody calls it: deploy again."
            ) from exc
        raise
    version = alias["FunctionVersion"]
    about = subject.aws.call("lambda", "get_function_configuration", FunctionName=function.id, Qualifier=LIVE)
    if about.get("State", "Active") != "Active":
        yield Finding(
            False, f"{function.name}: its version {version} is {about['State']} ({about.get('StateReason')})."
        )
        return
    published = subject.aws.each("lambda", "list_versions_by_function", "Versions", FunctionName=function.id)
    latest = max((int(each["Version"]) for each in published if each["Version"].isdecimal()), default=0)
    if (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
        yield Finding(False, f"{function.name}: its traffic is moving between versions; look at CodeDeploy.")
    elif int(version) != latest:
        yield Finding(
            False,
            f"{function.name}: live is version {version}, not the latest {latest}: taken back, or not moved.",
        )
    else:
        yield Finding(True, f"{function.name} is active, and live is its latest version {version}.")


def dead_letters(subject: Subject) -> Iterator[Finding]:
    counted = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    for queue in _of_kind("AWS::SQS::Queue", subject.resources_of(subject.foundation)):
        found = subject.aws.call(
            "sqs", "get_queue_attributes", QueueUrl=queue.id, AttributeNames=list(counted)
        )
        count = sum(int(found["Attributes"][name]) for name in counted)
        text = "is empty" if count == 0 else f"has {count} messages: the runbook says what to do with them"
        yield Finding(count == 0, f"{queue.name} {text}.")


def alarms(subject: Subject) -> Iterator[Finding]:
    found = [*subject.resources, *subject.resources_of(subject.operations)]
    names = [alarm.id for alarm in _of_kind("AWS::CloudWatch::Alarm", found)]
    if not names:
        raise Failed(f"The stacks of {subject.stack.name} have no alarms.")
    loud = []
    for start in range(0, len(names), 100):  # DescribeAlarms takes 100 names
        listed = subject.aws.each(
            "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=names[start : start + 100]
        )
        loud += [each["AlarmName"] for each in listed if each["StateValue"] == "ALARM"]
    if loud:
        yield Finding(False, f"In ALARM: {', '.join(sorted(loud))}. Each says where the runbook has it.")
    else:
        yield Finding(True, f"None of {len(names)} alarms is in ALARM.")


def findings_of(check: Check, subject: Subject) -> Iterator[Finding]:
    """What a check finds, or why it cannot look: others look all the same."""
    try:
        yield from check(subject)
    except Failed as exc:
        yield Finding(None, str(exc))
    except (Unhealthy, Unreachable) as exc:
        yield Finding(False, str(exc))


ALL: Sequence[Check] = (
    stack_states,
    api,
    issuer,
    jwks,
    functions,
    schema,
    rights,
    portal,
    key_ages,
    kms,
    buses,
    schedules,
    dead_letters,
    alarms,
)
