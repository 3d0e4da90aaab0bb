"""Evaluates the IAM policy that an authorizer returns, for execute-api:Invoke on one method."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

ACTION = "execute-api:Invoke"
_VERSIONS = ("2012-10-17", "2008-10-17")
# API Gateway refuses a longer resource in an authorizer's policy (characters).
_MAX_RESOURCE = 512


class PolicyError(Exception):
    """The policy is malformed: API Gateway answers 500."""


class Decision(Enum):
    ALLOW = "allow"
    IMPLICIT_DENY = "implicit deny"
    EXPLICIT_DENY = "explicit deny"


def evaluate(policy: object, method_arn: str) -> Decision:
    """Whether a policy allows its bearer to invoke a method. An explicit Deny wins over any Allow.

    The whole policy is checked first. Raises PolicyError for a malformed policy, and for one
    with a Condition, which local mode does not evaluate and must not ignore.
    """
    effects = {effect for effect, applies in _statements(policy, method_arn) if applies}
    if "Deny" in effects:
        return Decision.EXPLICIT_DENY
    return Decision.ALLOW if "Allow" in effects else Decision.IMPLICIT_DENY


def _statements(policy: object, method_arn: str) -> list[tuple[str, bool]]:
    if not isinstance(policy, Mapping):
        raise PolicyError("policyDocument is not an object")
    if policy.get("Version", _VERSIONS[0]) not in _VERSIONS:
        raise PolicyError(f"unknown policy version {policy['Version']!r}")
    statements = policy.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, Sequence) or isinstance(statements, str) or not statements:
        raise PolicyError("policy without statements")
    return [_statement(statement, method_arn) for statement in statements]


def _statement(statement: object, method_arn: str) -> tuple[str, bool]:
    """The effect of a statement and whether it applies to the method."""
    if not isinstance(statement, Mapping):
        raise PolicyError("statement is not an object")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"unknown effect {effect!r}")
    if statement.get("Condition"):
        raise PolicyError("Condition is not evaluated in local mode")
    # Actions are not case-sensitive, resources are.
    acts = _applies(statement, "Action", lambda pattern: _matches(pattern.lower(), ACTION.lower()))
    reaches = _applies(statement, "Resource", lambda pattern: _matches(_checked(pattern), method_arn))
    return effect, acts and reaches


def _applies(statement: Mapping[str, Any], element: str, matches: Any) -> bool:
    positive, negative = element in statement, f"Not{element}" in statement
    if positive == negative:
        raise PolicyError(f"a statement has either {element} or Not{element}")
    if positive:
        return any(map(matches, _strings(statement, element)))
    return not any(map(matches, _strings(statement, f"Not{element}")))


def _strings(statement: Mapping[str, Any], element: str) -> list[str]:
    value = statement[element]
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not items or not all(isinstance(item, str) and item for item in items):
        raise PolicyError(f"{element} is neither a string nor a list of strings")
    return items


def _checked(resource: str) -> str:
    if len(resource) > _MAX_RESOURCE:
        raise PolicyError(f"resource longer than {_MAX_RESOURCE} characters")
    return resource


def _matches(pattern: str, value: str) -> bool:
    return _glob(pattern).fullmatch(value) is not None


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str]:
    """IAM wildcards: * matches any characters, slashes among them; ? matches one character."""
    special = {"*": ".*", "?": "."}
    return re.compile("".join(special.get(char, re.escape(char)) for char in pattern), re.DOTALL)
