"""What the code says to its Telemetry: the calls with their literal names."""

import ast
from collections.abc import Iterator

from tests.docs.markdown import ROOT


def telemetry_calls(*methods: str) -> Iterator[ast.Call]:
    """The calls of these methods, anywhere in layer and functions."""
    paths = [path for folder in ("layers", "functions") for path in sorted((ROOT / folder).rglob("*.py"))]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _is_telemetry(node.func, methods):
                yield node


def texts(node: ast.AST) -> set[str]:
    """The texts written out in an expression."""
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def _is_telemetry(called: ast.expr, methods: tuple[str, ...]) -> bool:
    if not isinstance(called, ast.Attribute) or called.attr not in methods:
        return False
    return "telemetry" in ast.unparse(called.value).lower()
