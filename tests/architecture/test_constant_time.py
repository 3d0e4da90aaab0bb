"""Secrets and what is derived of them are compared in constant time: never by == (ASVS 11.2.4)."""

import ast
import re

import pytest

from tests.architecture.source import MODULES

SECRET = re.compile(r"(^|_)(hash|tag|secret|csrf|csrf_token|digest|signature|password|data_key)$")


def _words(node: ast.expr) -> set[str]:
    """The names that a side of a comparison is made of; what is only counted or looked into is not compared."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return {name}
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name != "len":
            return {name}
    return set()


def secrets_compared_by_equality(tree: ast.Module) -> list[int]:
    """The lines of comparisons that stop at the first differing byte of a secret."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        and any(SECRET.search(word) for side in (node.left, *node.comparators) for word in _words(side))
    ]


def test_no_secret_is_compared_by_equality() -> None:
    assert [m.at(line) for m in MODULES for line in secrets_compared_by_equality(m.tree)] == []


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("record.token_hash == codec.store_hash(token)", True),
        ("given != row.retry_key_hash", True),
        ("csrf_token == expected", True),
        ("len(tag) == 16", False),
        ("token_hash is None", False),
        ("hmac.compare_digest(tag, other)", False),
    ],
)
def test_the_rule_sees_what_it_is_for(code: str, is_found: bool) -> None:
    assert bool(secrets_compared_by_equality(ast.parse(code))) == is_found
