"""Checks an authorizer's result as API Gateway does, and applies it to a method."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.authorizers.policy import Decision, evaluate
from local.http.events import Authorized
from local.http.refusals import Refusal, denied
from local.templates.model import ApiKind, Authorizer


class BadVerdict(Exception):
    """The authorizer's result does not have the shape that its API requires. The text is for the log."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A checked result. is_authorized: of a simple response; None for a result with a policy."""

    principal_id: str | None
    context: Mapping[str, Any]
    policy: object = None
    is_authorized: bool | None = None


def read_verdict(kind: ApiKind, authorizer: Authorizer, answer: object) -> Verdict:
    """Checks an authorizer's result. Raises BadVerdict."""
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
    """The outcome of a verdict, new or cached, for one method. Raises PolicyError."""
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
    """The context as functions receive it. A REST API turns every value into text."""
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
    raise BadVerdict("context has a value that is not text, number or boolean")
