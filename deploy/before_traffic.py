"""The Lambda function that CodeDeploy asks before it moves traffic to a new version (BeforeAllowTraffic).

One deployment is of one function: the probe user signs in, refreshes and signs out at that function's new version and
the live versions of the others, by direct invocation. CodeDeploy is told Succeeded or Failed, whatever happens here:
it would wait for an hour. Sources: aws/serverless-application-model, docs/safe_lambda_deployments.rst; CodeDeploy User
Guide, «AppSpec 'hooks' section».
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.sign_in_probe import (
    DISCOVERY,
    FORM,
    JWKS,
    Answer,
    Call,
    Password,
    Probe,
    Step,
    Unreachable,
    json_object,
    probe_sign_in,
)

LIVE = "live"
FUNCTIONS = {
    f"GET {DISCOVERY}": "discovery",
    f"GET {JWKS}": "discovery",
    "POST /auth/login": "issue",
    "POST /auth/token": "refresh",
    "POST /auth/revoke": "revoke",
    "POST /auth/introspect": "introspect",
    "GET /auth/session": "sessions",
}
# A rollback brings back what served before: it waits for no probe, whose fault may be why it is needed.
ROLLBACKS = ("codeDeployRollback", "CloudFormationRollback")
# The service's own functions answer within 10 s (template.yaml); a cold start before it takes a second or two.
INVOKE_TIMEOUT_S = 15
# A call that has begun (3 s to connect, 15 s to read), then three attempts of the report (5 s each, and pauses).
RESERVE_MS = 40_000
# RFC 5737: an address of nobody's, as the probe comes through no network.
SOURCE_IP = "192.0.2.1"


class ProbeFailed(Exception):
    """A fault of the probe itself. The text says which, and holds no secret."""


# What a new version may answer, and AWS: anything, of any shape.
_SHAPES = (ValueError, KeyError, TypeError, AttributeError)
_FAULTS = (BotoCoreError, ClientError, ProbeFailed, Unreachable, *_SHAPES)


@dataclass(frozen=True, slots=True)
class Target:
    """A function that is probed. name: its physical one; version: that is to get traffic; group: its deployments'."""

    name: str
    version: str
    group: str


@dataclass(frozen=True, slots=True)
class Clients:
    """The AWS clients that the probe speaks to."""

    codedeploy: Any
    invoker: Any
    secrets: Any


def handler(event: Mapping[str, Any], context: Any) -> dict[str, str]:
    """Reports the outcome to CodeDeploy and returns it. Raises only where CodeDeploy does not take the report."""
    clients = _clients()
    try:
        is_good = _is_good(event, context.get_remaining_time_in_millis, clients)
    except _FAULTS as exc:
        _log(False, f"The probe itself failed: {type(exc).__name__}: {exc}")
        is_good = False
    status = "Succeeded" if is_good else "Failed"
    clients.codedeploy.put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=status,
    )
    return {"status": status}


def _is_good(event: Mapping[str, Any], remaining_ms: Callable[[], int], clients: Clients) -> bool:
    deployment = clients.codedeploy.get_deployment(deploymentId=event["DeploymentId"])["deploymentInfo"]
    if deployment.get("creator") in ROLLBACKS:
        _log(True, "A rollback is not probed.")
        return True
    targets = {name: Target(*known) for name, known in json.loads(os.environ["PROBED_FUNCTIONS"]).items()}
    group = deployment["deploymentGroupName"]
    new = [name for name, target in targets.items() if target.group == group]
    if not new:
        raise ProbeFailed(f"the deployment group {group} is none of those in PROBED_FUNCTIONS")
    qualifiers = {name: target.version if name in new else LIVE for name, target in targets.items()}
    invoked = _Invoked(targets, qualifiers, clients.invoker, remaining_ms)
    good = True
    for step in probe_sign_in(_probe(clients.secrets), invoked, also=invoked.own_steps(new[0])):
        _log(step.is_ok, step.sentence)
        good = good and step.is_ok
    return good


def _probe(secrets: Any) -> Probe:
    kept = secrets.get_secret_value(SecretId=os.environ["PROBE_USER_SECRET_ARN"]).get("SecretString", "")
    try:
        secret = json.loads(kept)
        username, password = secret["username"], secret["password"]
    except (ValueError, KeyError, TypeError):
        raise ProbeFailed("the probe user's secret is not JSON with username and password") from None
    repeats_refresh = os.environ["RETRY_WINDOW_S"] != "0"
    return Probe(os.environ["ISSUER"], username, Password(password), repeats_refresh)


class _Invoked:
    """A Transport by direct invocation of the functions, as API Gateway (HTTP API, payload 2.0) would."""

    def __init__(
        self,
        targets: Mapping[str, Target],
        qualifiers: Mapping[str, str],
        invoker: Any,
        remaining_ms: Callable[[], int],
    ) -> None:
        self._targets = targets
        self._qualifiers = qualifiers
        self._invoker = invoker
        self._remaining_ms = remaining_ms

    def __call__(self, call: Call) -> Answer:
        answered = self._invoke(FUNCTIONS[call.route], _event(call))
        return Answer(int(answered["statusCode"]), json_object(answered.get("body") or "{}"))

    def own_steps(self, new: str) -> Callable[[str], Iterator[Step]]:
        """What the common steps leave out, where that function is the new one: it judges tokens for others."""

        def steps(access_token: str) -> Iterator[Step]:
            if new == "introspect":
                yield self._introspected(access_token)
            if new == "authorizer":
                yield self._authorized(access_token)

        return steps

    def _introspected(self, access_token: str) -> Step:
        answer = self(Call("POST", "/auth/introspect", {"content-type": FORM}, f"token={access_token}"))
        is_active = answer.body.get("active") is True
        return Step(is_active, f"The access token is active: POST /auth/introspect gives {answer.said}.")

    def _authorized(self, access_token: str) -> Step:
        """Allowed, or refused for a scope or an authentication that callers need: then the token itself is good."""
        answered = self._invoke("authorizer", _authorizer_event(access_token))
        policy = answered.get("policyDocument") or {}
        effects = [statement.get("Effect") for statement in policy.get("Statement") or ()]
        is_allowed = answered.get("isAuthorized") is True or effects == ["Allow"]
        reason = (answered.get("context") or {}).get("error")
        is_good = is_allowed or reason in ("insufficient_scope", "insufficient_user_authentication")
        return Step(
            is_good, f"The authorizer takes the access token{f', but for {reason}' if reason else ''}."
        )

    def _invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        if self._remaining_ms() < RESERVE_MS:
            raise ProbeFailed("the time is used up")
        target, qualifier = self._targets[function], self._qualifiers[function]
        where = f"{target.name}:{qualifier}"
        try:
            invoked = self._invoker.invoke(
                FunctionName=target.name, Qualifier=qualifier, Payload=json.dumps(event)
            )
        except (BotoCoreError, ClientError) as exc:
            raise Unreachable(f"{where} cannot be invoked: {exc}") from exc
        answered = json_object(invoked["Payload"].read())
        if "FunctionError" in invoked:
            raise Unreachable(f"{where} fails: {answered.get('errorType')}: {answered.get('errorMessage')}")
        return answered


def _event(call: Call) -> dict[str, Any]:
    """What API Gateway would send of a signed request: an edge that is required is not asked of those."""
    return {
        "version": "2.0",
        "routeKey": call.route,
        "rawPath": call.path,
        "rawQueryString": "",
        "headers": dict(call.headers),
        "requestContext": {
            "http": {"method": call.method, "path": call.path, "sourceIp": SOURCE_IP, "userAgent": "probe"},
            "authorizer": {"iam": {"userId": "AROAPROBE:before-traffic", "userArn": "before-traffic"}},
            "requestId": f"probe-{time.time_ns()}",
            "stage": "$default",
            "timeEpoch": time.time_ns() // 1_000_000,
        },
        "body": call.body,
        "isBase64Encoded": False,
    }


def _authorizer_event(access_token: str) -> dict[str, Any]:
    authorization = f"Bearer {access_token}"
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:eu-west-1:123456789012:probe/$default/GET/probe",
        "identitySource": [authorization],
        "routeKey": "GET /probe",
        "rawPath": "/probe",
        "headers": {"authorization": authorization},
        "requestContext": {
            "http": {"method": "GET", "path": "/probe", "sourceIp": SOURCE_IP},
            "stage": "$default",
        },
    }


def _clients() -> Clients:
    """None of them is waited for longer than the function has: no call is tried again but the reports."""
    once = Config(connect_timeout=3, read_timeout=INVOKE_TIMEOUT_S, retries={"max_attempts": 0})
    often = Config(connect_timeout=2, read_timeout=3, retries={"max_attempts": 2})
    return Clients(
        boto3.client("codedeploy", config=often),
        boto3.client("lambda", config=once),
        boto3.client("secretsmanager", config=often),
    )


def _log(is_ok: bool, sentence: str) -> None:
    print(json.dumps({"message": "probe", "level": "INFO" if is_ok else "ERROR", "detail": sentence}))
