"""Scope strings (RFC 6749 §3.3): their syntax, and what may be asked of a grant."""

import re

from auth_tokens.domain.errors import InvalidScope

MAX_SCOPE_LENGTH = 1024
_SCOPE = re.compile(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*", re.ASCII)


def is_scope(text: str) -> bool:
    """Is this one or more scope tokens, each parted from the next by one blank?"""
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
