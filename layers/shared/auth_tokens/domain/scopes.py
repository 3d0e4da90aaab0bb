"""Scope strings (RFC 6749 §3.3): their syntax, and what may be asked of a grant."""

import re
from collections.abc import Iterable, Mapping

from auth_tokens.domain.errors import InvalidScope

MAX_SCOPE_LENGTH = 1024
_SCOPE = re.compile(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*", re.ASCII)


def is_scope(text: str) -> bool:
    """Is this one or more scope tokens, separated by single spaces?"""
    return _SCOPE.fullmatch(text) is not None


def granted_scope(requested: str | None, allowed: str) -> str:
    """What is granted of `allowed` (space-separated): all of it, or exactly the subset asked for.

    Raises InvalidScope for a malformed request or one that asks for more.
    """
    if requested is None:
        return allowed
    if len(requested) > MAX_SCOPE_LENGTH or not is_scope(requested):
        raise InvalidScope("malformed")
    asked = dict.fromkeys(requested.split(" "))
    if not asked.keys() <= set(allowed.split(" ")):
        raise InvalidScope("more than granted")
    return " ".join(asked)


def permitted_scope(scope: str, labels: Iterable[str], label_scopes: Mapping[str, frozenset[str]]) -> str:
    """The part of a scope that a user may have: a scope under labels needs one of these labels, a scope under no label
    is open to everybody. label_scopes: label → scopes."""
    if not label_scopes:
        return scope
    held = set(labels)
    bound = set().union(*label_scopes.values())
    earned = set().union(*(scopes for label, scopes in label_scopes.items() if label in held))
    return " ".join(token for token in scope.split() if token not in bound or token in earned)
