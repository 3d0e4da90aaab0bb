"""The project's Python files as their syntax trees say them: who imports what, and where."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "shared" / "auth_tokens"
FUNCTIONS = ROOT / "functions"
_DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Import:
    """One imported module. is_lazy: inside a function, so that it costs nothing at a cold start."""

    target: str
    line: int
    is_lazy: bool


@dataclass(frozen=True)
class Module:
    """One file. name: dotted, `auth_tokens.…`, `functions.<name>.app` or `local.…`."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def group(self) -> str:
        """Its layer: domain, ports, usecases, adapters, web, functions; or its own name (bootstrap, settings …)."""
        first, second, *_ = [*self.name.split("."), ""]
        return first if first == "functions" else second

    def at(self, line: int) -> str:
        """A place in the file, as editors understand it."""
        return f"{self.path.relative_to(ROOT)}:{line}"


def module(path: Path) -> Module:
    """A file of the project, parsed."""
    base = PACKAGE.parent if path.is_relative_to(PACKAGE) else ROOT
    parts = path.relative_to(base).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(path.read_text("utf-8")))


MODULES = tuple(module(path) for folder in (PACKAGE, FUNCTIONS) for path in sorted(folder.rglob("*.py")))
LOCAL = tuple(module(path) for path in sorted((ROOT / "local").rglob("*.py")))
_NAMES = frozenset(found.name for found in (*MODULES, *LOCAL))


def imports_of(tree: ast.Module) -> list[Import]:
    """All imports of a file, the lazy ones too; a relative one keeps its leading dots."""
    return list(_imports(tree, is_lazy=False))


def is_within(name: str, packages: Iterable[str]) -> bool:
    """Whether a module is one of these, or lies below one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def circles(modules: Iterable[Module]) -> list[list[str]]:
    """The modules that import each other in a circle, lazily and for types alone as well."""
    graph = {module.name: {found.target for found in imports_of(module.tree)} for module in modules}
    reach = {name: _reach(name, graph) for name in graph}
    tied = {
        name: sorted(other for other in there if name in reach.get(other, ()))
        for name, there in reach.items()
    }
    return sorted({tuple(names): names for name, names in tied.items() if name in reach[name]}.values())


def _reach(name: str, graph: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(graph[name])
    while ahead:
        target = ahead.pop()
        if target in graph and target not in found:
            found.add(target)
            ahead += graph[target]
    return found


def _imports(node: ast.AST, is_lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, is_lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            source = "." * child.level + (child.module or "")
            for target in {_imported(source, alias.name) for alias in child.names}:
                yield Import(target, child.lineno, is_lazy)
        else:
            yield from _imports(child, is_lazy or isinstance(child, _DEFERRED))


def _imported(source: str, name: str) -> str:
    """`from auth_tokens import bootstrap` brings a module, `from json import loads` a name of one."""
    whole = f"{source}.{name}"
    return whole if whole in _NAMES else source
