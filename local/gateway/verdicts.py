"""What an authorizer may answer, checked as API Gateway does, and what it means for a method."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.gateway.events import Authorized
from local.gateway.model import ApiKind, Authorizer
from local.gateway.policy import Decision, evaluate
from local.gateway.refusals import Refusal, denied


class BadVerdict(Exception):
    """The authorizer's answer has not the shape that its API asks for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A checked answer: is_authorized of a simple response, or a policy where that is None."""

    principal_id: str | None
    context: Mapping[str, Any]
    policy: object = None
    is_authorized: bool | None = None


def read_verdict(kind: ApiKind, authorizer: Authorizer, answer: object) -> Verdict:
    """The verdict in an authorizer's answer. Raises BadVerdict."""
    if not isinstance(answer, Mapping):
        raise BadVerdict("not an object")
    context = _context(kind, answer.get("context"))
    if authorizer.simple_responses:
        if not isinstance(answer.get("isAuthorized"), bool):
            raise BadVerdict("isAuthorized is not a boolean")
        return Verdict(None, context, is_authorized=answer["isAuthorized"])
    principal_id = answer.get("principalId")
    if not isinstance(principal_id, str):
        raise BadVerdict("principalId is not a string")
    return Verdict(principal_id, context, policy=answer.get("policyDocument"))


def apply_verdict(kind: ApiKind, verdict: Verdict, method_arn: str) -> Authorized | Refusal:
    """What a verdict, fresh or cached, says of one method. Raises PolicyError."""
    decision = _decision(verdict, method_arn)
    if decision is Decision.ALLOW:
        return Authorized(verdict.principal_id, verdict.context)
    context = {**verdict.context, "principalId": verdict.principal_id}
    return denied(kind, context, is_explicit=decision is Decision.EXPLICIT_DENY)


def _decision(verdict: Verdict, method_arn: str) -> Decision:
    if verdict.is_authorized is None:
        return evaluate(verdict.policy, method_arn)
    return Decision.ALLOW if verdict.is_authorized else Decision.EXPLICIT_DENY


def _context(kind: ApiKind, context: object) -> Mapping[str, Any]:
    """The context as functions will see it: a REST API makes text of every value."""
    if context is None:
        return {}
    if not isinstance(context, Mapping):
        raise BadVerdict("context is not an object")
    if kind is ApiKind.HTTP:
        return dict(context)
    return {name: _text(value) for name, value in context.items()}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    raise BadVerdict("context holds something else than text, numbers and booleans")
