"""The wings of local/ have one order: a wing imports lower wings only, and no modules import each other in a circle."""

import ast

import pytest

from tests.architecture.source import LOCAL, MODULES, Module, circles, imports_of, is_within

# From the lowest to the highest; each with the lower wings that it may import. Another import is a new decision.
WINGS = {
    "host": (),
    "templates": ("host",),
    "runners": ("host", "templates"),
    "http": ("templates", "runners"),
    "authorizers": ("templates", "runners", "http"),
    "sockets": ("templates", "runners", "http", "authorizers"),
    "gateway": ("templates", "runners", "http", "authorizers", "sockets"),
    "servers": ("host", "templates", "http"),
}
# The modules beside the wings: the stack and the programs. They may import every wing; no wing imports them.
TOP = "stack"
# Programs that are folders.
PROGRAMS = {"traffic"}


def wing_of(name: str) -> str:
    """The wing that a module of local/ belongs to, or TOP."""
    _, first, *_ = [*name.split("."), ""]
    return first if first in WINGS else TOP


def strays(module: Module) -> list[str]:
    """The imports of a wing's module that lead to no lower wing: upwards, aside, or out of local/."""
    wing = wing_of(module.name)
    if wing == TOP:
        return []
    allowed = [f"local.{name}" for name in (wing, *WINGS[wing])]
    return [
        f"{module.at(found.line)} {found.target}"
        for found in imports_of(module.tree)
        if is_within(found.target, ("local", "auth_tokens", "functions", "tests", "deploy"))
        and not is_within(found.target, allowed)
    ]


def planted(name: str, code: str) -> Module:
    return Module(name, LOCAL[0].path, ast.parse(code))


def test_the_wings_are_the_folders_and_stand_in_their_order() -> None:
    lower: list[str] = []
    for wing, below in WINGS.items():
        assert set(below) <= set(lower), wing
        lower.append(wing)
    assert {module.name.split(".")[1] for module in LOCAL if module.name.count(".") > 1} == {
        *WINGS,
        *PROGRAMS,
    }


def test_a_wing_imports_lower_wings_only() -> None:
    assert [stray for module in LOCAL for stray in strays(module)] == []


def test_imports_are_absolute() -> None:
    """A relative import would be seen by none of the other tests."""
    found = [(module, each) for module in LOCAL for each in imports_of(module.tree)]

    assert [module.at(each.line) for module, each in found if each.target.startswith(".")] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(LOCAL) == []


def test_what_is_deployed_does_not_import_local() -> None:
    assert [
        module.at(found.line)
        for module in MODULES
        for found in imports_of(module.tree)
        if is_within(found.target, ("local",))
    ] == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("local.templates.apis", "from local.http.wire import framed"),
        ("local.http.call", "from local.gateway.gateway import Gateway"),
        ("local.http.call", "def late():\n    from local.sockets.session import Session"),
        ("local.authorizers.gate", "if TYPE_CHECKING:\n    from local.sockets import events"),
        ("local.runners.child", "from local.stack import LocalStack"),
        ("local.runners.child", "import local.seed"),
        ("local.servers.aws", "from local.gateway import server"),
        ("local.gateway.server", "from local.servers.aws import LocalAws"),
        ("local.host.paths", "from auth_tokens.settings import Settings"),
    ],
)
def test_an_import_that_leads_to_no_lower_wing_would_be_reported(name: str, code: str) -> None:
    assert len(strays(planted(name, code))) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("from local.http import second", "from local.http.first import name"),
        ("import local.http.second", "def late():\n    from local.http import first"),
    ],
)
def test_a_circle_would_be_reported_also_within_a_wing(
    first: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["local.http.first", "local.http.second"]
    monkeypatch.setattr("tests.architecture.source._NAMES", frozenset(names))

    assert circles([planted(names[0], first), planted(names[1], second)]) == [names]
