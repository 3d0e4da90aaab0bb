"""What the text of a refusal has to say: which parameter or rule, and what would be right."""

import re
from collections.abc import Iterator
from typing import Any

from auth_tokens.domain.errors import AccessDenied
from local.client import Reply
from tests.contract.document import body_schema, body_type, parameters, resolved
from tests.contract.visitor import FORM, JSON, Case

# RFC 6749 §5.2: no quotation mark, no backslash, nothing but ASCII.
_TEXT = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
# What a request has beside documented parameters and members; and of a name that is not documented, what is wrong.
_PARTS = {"body", "Idempotency-Key", "it takes", "is repeated"}


def unhelpful(case: Case, reply: Reply) -> list[str]:
    """What the text of an answer with an error lacks; empty for any other answer."""
    if case.error is None:
        return []
    text = reply.json["error_description"]
    faults = [] if _TEXT.fullmatch(text) else ["characters"]
    match case.status, case.error:
        case 415, _:
            faults += [taken for taken in _content_types(case.route) if taken not in text]
        case 403, "access_denied":
            faults += ["the rule that refused"] if text == AccessDenied.description else []
        case 400, "invalid_request":
            faults += [] if _named(case.route, text) else ["a parameter"]
    return faults


def _content_types(route: str) -> set[str]:
    """Those that a route takes: JSON beside a form as well."""
    return {body_type(route) or JSON, JSON} if body_type(route) == FORM else {JSON}


def _named(route: str, text: str) -> bool:
    members = set(_members(body_schema(route))) if body_type(route) else set()
    known = {*parameters(route), *members}
    return any(part in text for part in _PARTS) or bool(known & set(re.findall(r"\w+", text)))


def _members(schema: Any) -> Iterator[str]:
    """The names of a schema's members, and of theirs."""
    schema = resolved(schema)
    for name, member in schema.get("properties", {}).items():
        yield name
        yield from _members(member)
    for branches in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(branches, ()):
            yield from _members(branch)
