"""What a module imports, read from its source: an import inside a function counts like one at the top."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers" / "shared"
PACKAGE = "auth_tokens"


@dataclass(frozen=True)
class Module:
    """One source file. name: dotted, "functions.issue" for a handler; imports: dotted, ours and others'."""

    name: str
    path: Path
    imports: frozenset[str]

    def __str__(self) -> str:
        return self.name


def package_modules() -> list[Module]:
    """Every module of the layer's package."""
    return [_module(_dotted(path), path) for path in sorted((LAYER / PACKAGE).rglob("*.py"))]


def handler_modules() -> list[Module]:
    """Every function's app.py."""
    return [
        _module(f"functions.{path.parent.name}", path) for path in sorted(ROOT.glob("functions/*/app.py"))
    ]


def imports_of(source: str) -> frozenset[str]:
    """Dotted names, of modules wherever the name imported is one. Raises ValueError for a relative import."""
    return frozenset(name for node in ast.walk(ast.parse(source)) for name in _imported(node))


def belongs_to(name: str, module: str) -> bool:
    """Whether a dotted name is a module, or lies in it."""
    return name == module or name.startswith(f"{module}.")


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        if node.level or node.module is None:
            raise ValueError(f"relative import in line {node.lineno}")
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if _is_module(inner) else node.module


def _is_module(name: str) -> bool:
    path = LAYER / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or path.is_dir()


def _module(name: str, path: Path) -> Module:
    return Module(name, path, imports_of(path.read_text(encoding="utf-8")))


def _dotted(path: Path) -> str:
    parts = path.relative_to(LAYER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
