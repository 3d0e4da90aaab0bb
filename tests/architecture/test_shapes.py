"""What a type can say is not asserted, and an event is made by the constructor of its kind."""

import ast

import pytest

from tests.architecture.source import MODULES, Module

# Where a SecurityEvent is put together: the constructors, and the finding that is one.
MAKERS = {"auth_tokens.domain.event_kinds", "auth_tokens.domain.analytics.findings"}

inner_modules = pytest.mark.parametrize(
    "module",
    [module for module in MODULES if module.group in ("domain", "ports", "usecases")],
    ids=lambda module: module.name,
)


def assertions(tree: ast.Module) -> list[int]:
    """The lines that assert."""
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]


def events_made(tree: ast.Module) -> list[int]:
    """The lines that put a security event together."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", ""))
        == "SecurityEvent"
    ]


@inner_modules
def test_no_rule_and_no_use_case_asserts_what_a_type_can_say(module: Module) -> None:
    assert assertions(module.tree) == []


def test_events_are_made_by_their_constructors_alone() -> None:
    assert {module.name for module in MODULES if events_made(module.tree)} == MAKERS


def test_a_breach_would_be_reported() -> None:
    assert assertions(ast.parse("def f(a):\n    assert a is not None")) == [2]
    assert events_made(ast.parse("events.SecurityEvent(kind, now)")) == [1]
    assert events_made(ast.parse("SecurityEvent(kind, now)")) == [1]
