"""Each library has one place that imports it; the domain has no clock, no chance and no world."""

import ast
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source import MODULES, Module, imports_of, is_within

OWNERS = {
    "jwt": ("auth_tokens.adapters.access_jwt",),
    "cryptography": ("auth_tokens.adapters",),
    "boto3": ("auth_tokens.adapters.kms", "auth_tokens.adapters.event_bus"),
    "botocore": ("auth_tokens.adapters.kms", "auth_tokens.adapters.event_bus"),
    "pymysql": ("auth_tokens.adapters.mysql",),
    "argon2": ("auth_tokens.adapters.passwords",),
    "bcrypt": ("auth_tokens.adapters.passwords",),
    "aws_lambda_powertools": ("auth_tokens.observability_powertools",),
}
# Importing one of these costs more than the whole authorizer: only inside the function that needs it.
LAZY = ("boto3", "botocore")

PURE = {
    "__future__",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "collections.abc",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "re",
    "string",
    "struct",
    "typing",
    "unicodedata",
    "urllib.parse",
    "uuid",
    "zlib",
}
# These reach the world without an import.
IMPURE_BUILTINS = {"breakpoint", "input", "open", "print"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}

PURE_MODULES = [module for module in MODULES if module.group in ("domain", "ports", "usecases")]


def _names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every name that is read: after a dot, or brought by an import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.name, node.lineno) for alias in node.names)


def _impure_uses(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Builtins that reach the world; and whatever of uuid is not its parser: it makes ids of clock and chance."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_BUILTINS:
                yield name, node.lineno
            case ast.Attribute(value=ast.Name(id="uuid"), attr=name) if name != "UUID":
                yield f"uuid.{name}", node.lineno
            case ast.ImportFrom(module="uuid", names=names):
                yield from ((f"uuid.{a.name}", node.lineno) for a in names if a.name != "UUID")


def foreign_libraries(module: Module) -> list[str]:
    """Third-party imports of a module that is not their owner."""
    return [
        f"{module.at(found.line)} {found.target}"
        for found in imports_of(module.tree)
        if _is_third_party(found.target) and not is_within(module.name, _owner(found.target))
    ]


def eager_imports(module: Module) -> list[str]:
    """Imports at the top of what must be imported late."""
    found = imports_of(module.tree)
    return [module.at(item.line) for item in found if is_within(item.target, LAZY) and not item.is_lazy]


def impurities(module: Module) -> list[str]:
    """Imports and uses in a module that make it more than a function of its arguments."""
    targets = [(found.target, found.line) for found in imports_of(module.tree)]
    found = [
        (name, line) for name, line in targets if name not in PURE and not is_within(name, ("auth_tokens",))
    ]
    return [f"{module.at(line)} {name}" for name, line in [*found, *_impure_uses(module.tree)]]


def environment_readers(module: Module) -> list[str]:
    """Where a module reads or writes the environment."""
    return [f"{module.at(line)} {name}" for name, line in _names(module.tree) if name in ENVIRONMENT]


def _is_third_party(target: str) -> bool:
    first = target.split(".")[0]
    return first not in sys.stdlib_module_names and first not in ("auth_tokens", "functions", "")


def _owner(target: str) -> tuple[str, ...]:
    return OWNERS.get(target.split(".")[0], ())


def test_a_library_is_imported_by_its_owner_only() -> None:
    assert [place for module in MODULES for place in foreign_libraries(module)] == []


def test_the_aws_sdk_is_imported_where_it_is_needed_not_at_the_start() -> None:
    assert [place for module in MODULES for place in eager_imports(module)] == []


def test_only_the_settings_read_the_environment() -> None:
    others = [module for module in MODULES if module.name != "auth_tokens.settings"]

    assert [place for module in others for place in environment_readers(module)] == []


def test_rules_and_use_cases_get_time_chance_and_the_world_as_arguments() -> None:
    assert PURE_MODULES
    assert [place for module in PURE_MODULES for place in impurities(module)] == []


def test_every_owner_is_there_and_uses_its_library() -> None:
    used = {
        (library, owner)
        for library, owners in OWNERS.items()
        for owner in owners
        for module in MODULES
        if is_within(module.name, (owner,))
        for found in imports_of(module.tree)
        if is_within(found.target, (library,))
    }

    assert used == {(library, owner) for library, owners in OWNERS.items() for owner in owners}


@pytest.mark.parametrize(
    ("check", "code"),
    [
        (foreign_libraries, "import jwt"),
        (foreign_libraries, "def f():\n    from cryptography.hazmat import primitives"),
        (foreign_libraries, "import requests"),
        (eager_imports, "import boto3"),
        (eager_imports, "try:\n    from botocore.config import Config\nexcept ImportError:\n    pass"),
        (environment_readers, "import os\nos.environ['A']"),
        (environment_readers, "from os import getenv as read"),
        (impurities, "import time"),
        (impurities, "def f():\n    from secrets import token_bytes"),
        (impurities, "import datetime\ndatetime.datetime.now()"),
        (impurities, "import os.path"),
        (impurities, "import uuid\nuuid.uuid4()"),
        (impurities, "from uuid import uuid4\nuuid4()"),
        (impurities, "open('x')"),
    ],
)
def test_a_breach_would_be_reported(check: Callable[[Module], list[str]], code: str) -> None:
    victim = next(module for module in MODULES if module.name == "auth_tokens.domain.rotation")

    assert check(Module(victim.name, victim.path, ast.parse(code)))
