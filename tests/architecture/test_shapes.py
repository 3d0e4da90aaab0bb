"""What a type can say is not asserted, and an event is made by the constructor of its kind."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import LOCAL, MODULES, ROOT, Module, module

# Where a SecurityEvent is put together: the constructors, and the finding that is one.
MAKERS = {"auth_tokens.domain.event_kinds", "auth_tokens.domain.analytics.findings"}

MAX_ARGUMENTS = 5
# Constructors of what is made once, by the composition root or a test: each argument is named there.
MADE_OF_MANY = {
    "AccessTokenSigner.__init__",
    "Container.__init__",
    "KeyRing.__init__",
    "LambdaRunner.__init__",
}
DEPLOY = tuple(module(path) for path in sorted((ROOT / "deploy").rglob("*.py")))

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


def many_arguments(tree: ast.Module) -> list[str]:
    """The functions of more than MAX_ARGUMENTS, `self` and `cls` not counted, methods with their class."""
    return [
        name
        for name, function in _functions(tree)
        if len([a for a in _arguments(function) if a.arg not in ("self", "cls")]) > MAX_ARGUMENTS
    ]


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _functions(
    node: ast.AST, within: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        name = f"{within}{getattr(child, 'name', '')}"
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name, child
        yield from _functions(child, f"{name}." if isinstance(child, ast.ClassDef) else within)


@inner_modules
def test_no_rule_and_no_use_case_asserts_what_a_type_can_say(module: Module) -> None:
    assert assertions(module.tree) == []


def test_events_are_made_by_their_constructors_alone() -> None:
    assert {module.name for module in MODULES if events_made(module.tree)} == MAKERS


def test_what_travels_together_is_an_object() -> None:
    found = {name for each in (*MODULES, *LOCAL, *DEPLOY) for name in many_arguments(each.tree)}

    assert found == MADE_OF_MANY


def test_a_breach_would_be_reported() -> None:
    assert assertions(ast.parse("def f(a):\n    assert a is not None")) == [2]
    assert events_made(ast.parse("events.SecurityEvent(kind, now)")) == [1]
    assert events_made(ast.parse("SecurityEvent(kind, now)")) == [1]
    assert many_arguments(ast.parse("class A:\n    def f(self, a, b, c, d, e): ...")) == []
    assert many_arguments(ast.parse("class A:\n    def f(self, a, b, c, *, d, e, f): ...")) == ["A.f"]
