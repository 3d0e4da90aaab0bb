"""Direction of imports: functions → web, usecases → domain ← adapters; only bootstrap knows all."""

import ast
import sys

import pytest

from tests.architecture.imports import (
    PACKAGE,
    Module,
    belongs_to,
    handler_modules,
    imports_of,
    package_modules,
)

MODULES = package_modules()
HANDLERS = handler_modules()
EVERYTHING = "auth_tokens"
BOOTSTRAP = "auth_tokens.bootstrap"

# Part: what of ours it may import. The longest name that fits a module decides.
MAY_IMPORT = {
    "functions": {
        "auth_tokens.bootstrap",
        "auth_tokens.web",
        "auth_tokens.usecases",
        "auth_tokens.domain",
    },
    "auth_tokens": set(),
    "auth_tokens.bootstrap": {EVERYTHING},
    "auth_tokens.settings": {"auth_tokens.domain"},
    "auth_tokens.observability": set(),
    "auth_tokens.observability_powertools": {"auth_tokens.observability"},
    "auth_tokens.web": {
        "auth_tokens.web",
        "auth_tokens.usecases",
        "auth_tokens.domain",
        "auth_tokens.observability",
    },
    "auth_tokens.usecases": {"auth_tokens.usecases", "auth_tokens.domain"},
    "auth_tokens.domain": {"auth_tokens.domain"},
    "auth_tokens.adapters": {
        "auth_tokens.adapters",
        "auth_tokens.domain",
        "auth_tokens.usecases.ports",
        "auth_tokens.observability",
    },
}

# Package from elsewhere: the only part that may import it.
HOME_OF = {
    "argon2": "auth_tokens.adapters.passwords",
    "aws_lambda_powertools": "auth_tokens.observability_powertools",
    "bcrypt": "auth_tokens.adapters.passwords",
    "boto3": "auth_tokens.adapters.kms.wrapper",
    "botocore": "auth_tokens.adapters.kms.wrapper",
    "cryptography": "auth_tokens.adapters",
    "jwt": "auth_tokens.adapters.access_jwt",
    "pymysql": "auth_tokens.adapters.mysql",
}

# Of the standard library: what computes from its arguments alone. No clock, no chance, no I/O.
PURE = {
    "base64",
    "binascii",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "itertools",
    "json",
    "math",
    "re",
    "struct",
    "typing",
    "unicodedata",
    "uuid",
    "zlib",
}
# What a module of that list offers nevertheless.
IMPURE = {"uuid1", "uuid4", "uuid6", "uuid7", "getnode"}
INNER = [
    m
    for m in MODULES
    if belongs_to(m.name, "auth_tokens.domain") or belongs_to(m.name, "auth_tokens.usecases")
]
ENVIRONMENT = {"environ", "environb", "getenv", "putenv", "unsetenv"}


def part_of(name: str) -> str:
    return max((part for part in MAY_IMPORT if belongs_to(name, part)), key=len)


def is_allowed(importer: str, imported: str) -> bool:
    return any(belongs_to(imported, part) for part in MAY_IMPORT[part_of(importer)])


def names_in(module: Module) -> set[str]:
    """Every identifier, attribute and imported name of a source file."""
    names = set()
    for node in ast.walk(ast.parse(module.path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                names.add(name)
    return names


@pytest.mark.parametrize("module", MODULES + HANDLERS, ids=str)
def test_a_module_imports_only_what_its_part_may(module: Module) -> None:
    ours = {name for name in module.imports if belongs_to(name, PACKAGE)}

    assert {name for name in ours if not is_allowed(module.name, name)} == set()


@pytest.mark.parametrize("module", MODULES + HANDLERS, ids=str)
def test_a_package_from_elsewhere_is_imported_only_in_its_home(module: Module) -> None:
    foreign = {
        name for name in module.imports if name.split(".")[0] not in sys.stdlib_module_names | {PACKAGE}
    }

    homeless = {name for name in foreign if not belongs_to(module.name, HOME_OF.get(name.split(".")[0], "-"))}

    assert homeless == set()


@pytest.mark.parametrize("module", INNER, ids=str)
def test_domain_and_use_cases_compute_from_their_arguments_alone(module: Module) -> None:
    others = {name.split(".")[0] for name in module.imports} - {PACKAGE}

    assert others <= PURE
    assert names_in(module) & IMPURE == set()


@pytest.mark.parametrize("module", MODULES + HANDLERS, ids=str)
def test_only_settings_reads_the_environment(module: Module) -> None:
    reads = bool(names_in(module) & ENVIRONMENT)

    assert reads == (module.name == "auth_tokens.settings")


def test_the_modules_are_all_looked_at() -> None:
    parts = {part_of(module.name) for module in MODULES + HANDLERS}

    assert parts == set(MAY_IMPORT)


def test_every_home_has_its_guest() -> None:
    imported = {name.split(".")[0] for module in MODULES for name in module.imports}

    assert set(HOME_OF) <= imported


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("import os", {"os"}),
        ("import jwt.algorithms as pyjwt", {"jwt.algorithms"}),
        ("from time import time", {"time"}),
        ("from auth_tokens import bootstrap", {"auth_tokens.bootstrap"}),
        ("from auth_tokens.domain.errors import NotFound", {"auth_tokens.domain.errors"}),
        ("from auth_tokens.adapters import mysql", {"auth_tokens.adapters.mysql"}),
        ("def late():\n    import boto3", {"boto3"}),
        ("try:\n    import secrets\nexcept ImportError:\n    pass", {"secrets"}),
    ],
)
def test_an_import_is_seen_wherever_it_stands(source: str, seen: set[str]) -> None:
    assert imports_of(source) == seen


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(ValueError, match="relative import in line 1"):
        imports_of("from . import tokens")


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("auth_tokens.domain.tokens", "auth_tokens.usecases.ports"),
        ("auth_tokens.domain.tokens", "auth_tokens.settings"),
        ("auth_tokens.usecases.refresh", "auth_tokens.adapters.mysql.tokens"),
        ("auth_tokens.usecases.refresh", "auth_tokens.web.requests"),
        ("auth_tokens.usecases.refresh", "auth_tokens.observability"),
        ("auth_tokens.adapters.mysql.tokens", "auth_tokens.usecases.refresh"),
        ("auth_tokens.adapters.mysql.tokens", "auth_tokens.settings"),
        ("auth_tokens.web.handler", "auth_tokens.bootstrap"),
        ("auth_tokens.web.handler", "auth_tokens.observability_powertools"),
        ("functions.issue", "auth_tokens.settings"),
        ("functions.issue", "auth_tokens.adapters.passwords"),
    ],
)
def test_an_import_against_the_direction_is_refused(importer: str, imported: str) -> None:
    assert not is_allowed(importer, imported)


def test_the_composition_root_may_import_everything() -> None:
    assert is_allowed(BOOTSTRAP, "auth_tokens.adapters.mysql.tokens")
