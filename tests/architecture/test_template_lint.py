"""cfn-lint on what SAM makes of the templates: on template.yaml itself it sees neither SAM's resources nor cycles.

One translation speaks for every stack of STACKS: cfn-lint looks at each condition both ways, as faults show that are
planted under all of them, and what else SAM reads (READ_BY_SAM) ends up in a name.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint
from cfnlint.graph import Graph
from cfnlint.match import Match
from cfnlint.template import Template

from local.host.paths import ROOT
from local.templates.arns import REGION
from local.templates.intrinsics import Resolver
from local.templates.stacks import JOBS_TEMPLATE, ORDER
from local.templates.translate import translate
from tests.architecture.deployment import JOBS_PARAMETERS, STACKS, translation

CYCLE = "E3004"
# A name that nothing has, in a resource or in an output; a property that its type has not.
UNKNOWN, NO_PROPERTY = {"E1019", "E6101"}, {"E3002"}
PLANTED = "Planted"
OTHERS = {
    ROOT / "deploy" / "keys.yaml": {},
    ROOT / "examples" / "edge" / "template.yaml": {},
    JOBS_TEMPLATE: JOBS_PARAMETERS,
}
At = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault is planted. at: keys and indices from the template's top; under: each condition on the way to it,
    and whether it has to hold."""

    at: At
    under: frozenset[tuple[str, bool]]

    def is_in(self, resolver: Resolver) -> bool:
        """Whether a stack has it."""
        return all(resolver.holds(condition) == expected for condition, expected in self.under)

    @property
    def is_resource(self) -> bool:
        """Whether the whole of a resource is under the condition, and not a branch of Fn::If."""
        return self.at[-1] == PLANTED

    @property
    def can_wait(self) -> bool:
        """Whether it is a branch within a resource."""
        return self.at[0] == "Resources" and not self.is_resource


@pytest.mark.parametrize("template", [*ORDER, *OTHERS], ids=lambda path: str(path.relative_to(ROOT)))
def test_the_translated_template_has_no_fault_under_any_condition(template: Path) -> None:
    """Errors alone (E3004: a cycle): warnings are about parameters' texts."""
    given = OTHERS.get(template)
    translated = translation(template)[0] if given is None else translate(template, given)

    assert [str(match) for match in _found(translated)] == []


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("template", ORDER, ids=lambda path: path.stem)
def test_a_fault_under_a_condition_is_found(template: Path, stack: str) -> None:
    """An unknown name and a cycle in each branch of each Fn::If that the stack takes, and an unknown property of each
    resource that it has by a condition."""
    resolver = translation(template, **STACKS[stack])[1]
    planted = [(place, found) for place, found in _faults(template).items() if place.is_in(resolver)]

    assert planted
    assert [
        place.at for place, found in planted if not found & (NO_PROPERTY if place.is_resource else UNKNOWN)
    ] == []
    assert [place.at for place, found in planted if place.can_wait and CYCLE not in found] == []


def _found(translated: Mapping[str, Any]) -> list[Match]:
    return lint(json.dumps(translated), config=ManualArgs(regions=[REGION], ignore_checks=["W"]))


@cache
def _faults(template: Path) -> Mapping[Place, set[str]]:
    """Where faults are planted, and the rules that find each. cfn-lint reports one cycle of those that it comes to from
    a resource: the others are those that its graph has."""
    planted = json.loads(json.dumps(translation(template)[0]))
    places = [*_branches(planted), *_conditional_resources(planted)]
    for number, place in enumerate(places):
        _plant(planted, place, number)
    matches, graph = _found(planted), Graph(Template("planted", planted, [REGION])).graph
    found = {place: {m.rule.id for m in matches if _starts(m, place.at)} for place in places}
    cycles = {match.rule.id for match in matches} & {CYCLE}
    for number, place in enumerate(places):
        ends = str(place.at[1]), f"Planted{number}"
        if place.can_wait and graph.has_edge(*ends) and graph.has_edge(*reversed(ends)):
            found[place] |= cycles
    return found


def _branches(node: Any, at: At = (), under: frozenset[tuple[str, bool]] = frozenset()) -> Iterator[Place]:
    """The innermost branches of each Fn::If in resources and outputs."""
    match node:
        case {"Fn::If": [condition, *branches]}:
            for index, branch in enumerate(branches, 1):
                here, narrower = (*at, "Fn::If", index), under | {(condition, index == 1)}
                yield from list(_branches(branch, here, narrower)) or [Place(here, narrower)]
        case dict():
            own = {(node["Condition"], True)} if isinstance(node.get("Condition"), str) else set()
            for key in ("Resources", "Outputs") if not at else node:
                yield from _branches(node.get(key), (*at, key), under | own)
        case list():
            for index, item in enumerate(node):
                yield from _branches(item, (*at, index), under)


def _conditional_resources(translated: Mapping[str, Any]) -> Iterator[Place]:
    for name, body in translated["Resources"].items():
        if "Condition" in body:
            body.setdefault("Properties", {})
            at = ("Resources", name, "Properties", PLANTED)
            yield Place(at, frozenset({(body["Condition"], True)}))


def _plant(translated: dict[str, Any], place: Place, number: int) -> None:
    """Into a branch: a name that nothing has, and one of a resource that waits for the branch's own."""
    parent: Any = translated
    for step in place.at[:-1]:
        parent = parent[step]
    if place.is_resource:
        parent[PLANTED] = ""
        return
    parent[place.at[-1]] = {"Fn::Sub": f"${{Nobody}}${{Planted{number}}}"}
    waits = {"DependsOn": place.at[1]} if place.at[0] == "Resources" else {}
    translated["Resources"][f"Planted{number}"] = {
        "Type": "AWS::CloudFormation::WaitConditionHandle",
        **waits,
    }


def _starts(match: Match, at: At) -> bool:
    return tuple(match.path or ())[: len(at)] == at
