"""Imports point inwards: functions → web, usecases → ports ← adapters, and all of them → domain; only bootstrap knows
all."""

import ast

import pytest

from tests.architecture.source import MODULES, Import, Module, circles, imports_of, is_within

_OWN = "auth_tokens"
# Which parts of the package each layer may import; another layer is a new decision.
ALLOWED = {
    "domain": ("domain",),
    "ports": ("domain", "ports"),
    "usecases": ("domain", "ports", "usecases"),
    "adapters": ("domain", "ports", "adapters", "observability", "time_left"),
    "web": ("domain", "ports", "usecases", "web", "observability", "time_left"),
    "functions": ("bootstrap", "domain", "usecases", "web", "time_left"),
    "settings": ("domain",),
    "observability": (),
    "time_left": (),
    "observability_powertools": ("observability",),
    "bootstrap": (
        "bootstrap",
        "adapters",
        "domain",
        "ports",
        "usecases",
        "settings",
        "observability",
        "observability_powertools",
        "time_left",
    ),
    "": (),
}


# Imports inside functions: the AWS SDK (test_library_owners), and what a request may need and a cold start does not.
LATE = {
    "auth_tokens.adapters.event_bus",
    "auth_tokens.adapters.kms.client",
    "auth_tokens.bootstrap.authorizing",
    "auth_tokens.bootstrap.checking_portal",
    "auth_tokens.bootstrap.checking_rights",
    "auth_tokens.bootstrap.first_proof",
    "auth_tokens.settings",
    "auth_tokens.web.authorizer",
    "auth_tokens.web.credentials",
    "auth_tokens.web.key_binding",
}


def strays(module: Module) -> list[str]:
    """The imports of a module that its layer may not have."""
    allowed = [f"{_OWN}.{part}" for part in ALLOWED[module.group]]
    return [
        f"{module.at(found.line)} {found.target}"
        for found in imports_of(module.tree)
        if is_within(found.target, (_OWN, "functions")) and not is_within(found.target, allowed)
    ]


def test_every_module_belongs_to_a_layer() -> None:
    assert {module.group for module in MODULES} == set(ALLOWED)


def test_a_module_imports_only_what_its_layer_may() -> None:
    assert [stray for module in MODULES for stray in strays(module)] == []


def test_imports_are_absolute_and_written_out() -> None:
    """What is imported by a computed name, or relative to the file, the tests here would not see."""
    for module in MODULES:
        for found in imports_of(module.tree):
            assert not found.target.startswith("."), module.at(found.line)
            assert found.target.split(".")[0] not in ("importlib", "imp", "runpy"), module.at(found.line)
        names = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
        assert not names & {"__import__", "exec", "eval"}, module.name


def test_imports_stand_on_top_but_for_those_whose_price_is_known() -> None:
    late = {module.name for module in MODULES if any(found.is_lazy for found in imports_of(module.tree))}

    assert late == LATE


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(MODULES) == []


def test_a_circle_would_be_reported_however_late_it_closes() -> None:
    def of(name: str, code: str) -> Module:
        return Module(name, MODULES[0].path, ast.parse(code))

    first = of("auth_tokens.first", "import auth_tokens.second")
    second = of("auth_tokens.second", "def late():\n    import auth_tokens.third")
    third = of("auth_tokens.third", "if TYPE_CHECKING:\n    import auth_tokens.first")
    aside = of("auth_tokens.aside", "import auth_tokens.first")

    assert circles([first, second, third, aside]) == [[first.name, second.name, third.name]]
    assert circles([first, second, aside]) == []


def test_an_import_is_seen_wherever_it_stands() -> None:
    code = """
import json, auth_tokens.web.handler as web
from auth_tokens import bootstrap, settings
from auth_tokens.domain import errors
from auth_tokens.domain.errors import Unavailable
from . import sibling
if json:
    from ..domain import ids
class Lazy:
    def body(self):
        try:
            import boto3
        except ImportError:
            pass
"""
    found = imports_of(ast.parse(code))

    assert {item.target for item in found} == {
        "json",
        "auth_tokens.web.handler",
        "auth_tokens.bootstrap",
        "auth_tokens.settings",
        "auth_tokens.domain.errors",
        ".",
        "..domain",
        "boto3",
    }
    assert [item for item in found if item.is_lazy] == [Import("boto3", 12, is_lazy=True)]


@pytest.mark.parametrize(
    ("layer", "target"),
    [
        ("domain", "auth_tokens.ports.tokens"),
        ("ports", "auth_tokens.usecases.refresh"),
        ("ports", "auth_tokens.adapters.mysql.tokens"),
        ("domain", "auth_tokens.settings"),
        ("usecases", "auth_tokens.adapters.mysql.tokens"),
        ("usecases", "auth_tokens.observability"),
        ("adapters", "auth_tokens.usecases.refresh"),
        ("adapters", "auth_tokens.web.requests"),
        ("web", "auth_tokens.adapters.passwords"),
        ("web", "auth_tokens.bootstrap"),
    ],
)
def test_an_import_against_the_direction_would_be_reported(layer: str, target: str) -> None:
    victim = next(module for module in MODULES if module.group == layer)
    planted = Module(victim.name, victim.path, ast.parse(f"import {target}"))

    assert len(strays(planted)) == 1
