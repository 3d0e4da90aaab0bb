"""What an update does to the stacks' resources: the lines of their change sets.

CloudFormation compares the properties of each resource, replaces it where one differs that can only be set
at its creation, and goes on with what names the replaced one. Which properties these are is read from
CloudFormation's own resource schemas (cfn-lint carries them).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from local.templates.arns import REGION
from local.templates.intrinsics import Resolver
from local.templates.stacks import ORDER, exports, given_to
from tests.architecture.deployment import PARAMETERS, frozen, resources_of, translation

_ANEW = "Anew"


class Change(StrEnum):
    """What happens to one resource."""

    ADD = "add"
    REMOVE = "remove"
    MODIFY = "modify"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Line:
    """What happens to one resource. properties: those that differ, of one that stays or is replaced."""

    change: Change
    properties: frozenset[str] = frozenset()


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Line]:
    """Logical id → what happens to it when the stacks' parameters change; nothing where CloudFormation refuses.

    before, after: beside PARAMETERS.
    """
    return {} if refused(before, after) else attempted(before, after)


def attempted(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Line]:
    """The same of an update that nothing refuses, because nothing imports or is not there yet."""
    return {name: line for each in ORDER for name, line in _Update(each, before, after).lines().items()}


def refused(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """What another stack imports and this update would change or remove: it fails, and nothing has changed («You can't
    modify or remove an output value that is referenced by another stack», Fn::ImportValue)."""
    used = {name: value for each in ORDER for name, value in imported_by(each, before).items()}
    for each in ORDER:
        kept = used.keys() & exports(*translation(each, **before))
        exported = _Update(each, before, after).exports()
        if changed := {name for name in kept if exported.get(name) != used[name]}:
            return changed
    return set()


def imported_by(template: Path, given: Mapping[str, str]) -> Mapping[str, Any]:
    """What a stack imports: name → value."""
    return _imported_by(template, frozen(given))


@cache
def _imported_by(template: Path, given: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    made, asked = resources_of(template, **dict(given)), {}
    if made:
        translated, resolver = translation(template, **dict(given))
        for name in _names_imported_by({name: translated["Resources"][name] for name in made}, resolver):
            asked[name] = resolver.resolve({"Fn::ImportValue": name})
    return asked


def _names_imported_by(node: Any, resolver: Resolver) -> Iterator[str]:
    match node:
        case {"Fn::ImportValue": name}:
            yield resolver.resolve(name)
        case {"Fn::If": [condition, then, otherwise]}:
            yield from _names_imported_by(then if resolver.holds(condition) else otherwise, resolver)
        case dict():
            for value in node.values():
                yield from _names_imported_by(value, resolver)
        case list():
            for value in node:
                yield from _names_imported_by(value, resolver)


class _Update:
    """The update of one stack."""

    def __init__(self, template: Path, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        self._old = resources_of(template, **before)
        self._new = dict(resources_of(template, **after))
        self._translated, resolver = translation(template, **after)
        written = self._translated["Resources"]
        # Another one of each, for what names a resource that is replaced.
        others = {f"{name}{_ANEW}": body for name, body in written.items()}
        self._resolver = Resolver(
            {**self._translated, "Resources": {**written, **others}},
            given_to(template, {**PARAMETERS, **after}),
            lambda name: resolver.resolve({"Fn::ImportValue": name}),
        )
        self._replaced: set[str] = set()
        names = {name: frozenset(named(written[name])) for name in self._new}
        while grown := {n for n, c in self.lines().items() if c.change is Change.REPLACE} - self._replaced:
            self._replaced |= grown
            for name in self._new:
                if not grown.isdisjoint(names[name]):
                    self._new[name] = self._resolver.resolve(_renamed(written[name], self._replaced))

    def lines(self) -> dict[str, Line]:
        return dict(_compared(self._old, self._new))

    def exports(self) -> dict[str, Any]:
        """Name → value, once the update is done."""
        outputs = {
            n: _renamed(body, self._replaced) for n, body in self._translated.get("Outputs", {}).items()
        }
        found = exports({"Outputs": outputs}, self._resolver)
        return {name: value() for name, value in found.items()}


def named(node: Any) -> Iterator[str]:
    """The logical ids that a resource names anywhere, its attributes (UpdatePolicy, DependsOn) too."""
    match node:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::GetAtt": str(path)}:
            yield path.split(".")[0]
        case {"Fn::Sub": str(text)}:
            yield from _in_text(text)
        case {"Fn::Sub": [str(text), variables]}:
            yield from _in_text(text)
            yield from named(variables)
        case {"DependsOn": str(name), **rest}:
            yield name
            yield from named(rest)
        case {"DependsOn": [*names], **rest}:
            yield from names
            yield from named(rest)
        case dict():
            for value in node.values():
                yield from named(value)
        case list():
            for value in node:
                yield from named(value)


def _in_text(text: str) -> Iterator[str]:
    for name in re.findall(r"\$\{([^!}]+)\}", text):
        yield name.split(".")[0]


@cache
def create_only(kind: str) -> frozenset[str]:
    """The properties of a resource type that an update cannot change (paths with dots). It is pessimistic:
    those that can be changed under conditions are among them."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    members = ("createOnlyProperties", "conditionalCreateOnlyProperties")
    paths = [path for member in members for path in schema.get(member, [])]
    return frozenset(path.removeprefix("/properties/").replace("/", ".") for path in paths)


def _renamed(node: Any, replaced: set[str]) -> Any:
    """A resource's body with the other one of each that is replaced."""
    match node:
        case {"Ref": str(name)} if name in replaced:
            return {"Ref": f"{name}{_ANEW}"}
        case {"Fn::GetAtt": [str(name), *rest]} if name in replaced:
            return {"Fn::GetAtt": [f"{name}{_ANEW}", *rest]}
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _renamed_text(text, replaced)}
        case {"Fn::Sub": [str(text), variables]}:
            return {"Fn::Sub": [_renamed_text(text, replaced), _renamed(variables, replaced)]}
        case dict():
            return {key: _renamed(value, replaced) for key, value in node.items()}
        case list():
            return [_renamed(value, replaced) for value in node]
    return node


def _renamed_text(text: str, replaced: set[str]) -> str:
    def anew(match: re.Match[str]) -> str:
        name, dot, attribute = match[1].partition(".")
        return f"${{{name}{_ANEW}{dot}{attribute}}}" if name in replaced else match[0]

    return re.sub(r"\$\{([^!}]+)\}", anew, text)


def _compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Line]]:
    yield from ((name, Line(Change.REMOVE)) for name in old.keys() - new.keys())
    yield from ((name, Line(Change.ADD)) for name in new.keys() - old.keys())
    for name in old.keys() & new.keys():
        if old[name] != new[name]:
            before, after = (stack[name].get("Properties", {}) for stack in (old, new))
            yield name, _line(new[name]["Type"], before, after)


def _line(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Line:
    differ = frozenset(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    fixed = any(_at(before, path) != _at(after, path) for path in create_only(kind))
    return Line(Change.REPLACE if fixed else Change.MODIFY, differ)


def _at(properties: Any, path: str) -> Any:
    for step in path.split("."):
        properties = properties.get(step) if isinstance(properties, dict) else None
    return properties
