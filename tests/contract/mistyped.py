"""What an operator can mistype at a route, made of docs/openapi.yaml: each value beside what its refusal has to say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.contract.cases import GOOD, NO_ID, TOO_LONG_AN_ID
from tests.contract.document import OPERATIONS, body_schema, body_type, parameters, resolved
from tests.contract.visitor import Case, Who

ROUTES = tuple(route for route in OPERATIONS if route.partition(" ")[2].startswith(("/admin/", "/console/")))
_INSTANT = "2026-12-01T03:00Z"
_NO_INSTANTS = ("yesterday", "2026-12-01", "2026-12-01T03:00", "1e9", "1796094000000", "1969-12-31T00:00Z")
_INSTANTS = ("since", "until", "starts", "before")
_CURSORS = ("cursor", "sessions_cursor", "devices_cursor", "after")
_OF_A_CURSOR = ("cursor",)
# Nobody's, and texts that are none.
_NO_IDS = (NO_ID, NO_ID.upper(), "all", "0", "x", TOO_LONG_AN_ID)


@dataclass(frozen=True)
class Mistyped:
    """One wrong parameter or member of a request that is good otherwise. says: what stands in the refusal, beside the
    name."""

    name: str
    value: Any
    says: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def case(self, route: str) -> Case:
        path = _good(route).path
        return Case(
            route, self.name, 400, "invalid_request", _who(route), self.body, path=path, query=self.query
        )


def mistyped(route: str) -> Iterator[Mistyped]:
    """Every way for a route of operators."""
    body = _good(route).body
    for name, parameter in parameters(route).items():
        if parameter["in"] == "query":
            for value, says in (("", ("empty",)), *_texts(name, parameter["schema"])):
                yield Mistyped(name, value, says, {name: value}, body)
    if {"since", "until"} <= parameters(route).keys():
        for until in ("3600", "7200"):
            yield Mistyped("since", until, ("until",), {"since": "7200", "until": until})
    if body_type(route) is not None:
        yield from _of_body(body, resolved(body_schema(route)))


def mistyped_ids(route: str) -> Iterator[Case]:
    """A request that is good but for one id in its path, for each id and each way."""
    good = _good(route)
    for name, parameter in parameters(route).items():
        for wrong in _NO_IDS if parameter["in"] == "path" else ():
            yield replace(good, name=f"{name} {wrong}", who=_who(route), path={**good.path, name: wrong})


def _of_body(good: Mapping[str, Any], schema: Any) -> Iterator[Mistyped]:
    beside = {} if schema.get("maxProperties") == 1 else good
    for name, member in schema["properties"].items():
        for value, says in _values(name, resolved(member)):
            yield Mistyped(name, value, says, body={**beside, name: value})
    needed = [*schema.get("required", ()), *(n for n, m in schema["properties"].items() if "const" in m)]
    for name in needed:
        yield Mistyped(name, None, (), body={**good, name: None})
        yield Mistyped(name, None, (), body={key: value for key, value in good.items() if key != name})


def _who(route: str) -> Who:
    return Who.SIGNED if "/admin/" in route else Who.COOKIE


def _good(route: str) -> Case:
    return next(case for case in GOOD if case.route == route)


def _texts(name: str, schema: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Wrong texts for a parameter of the query."""
    schema = resolved(schema)
    kinds = _types(schema)
    if name in _CURSORS:
        yield "2", _OF_A_CURSOR
    elif "array" in kinds:
        yield from _lists(name, resolved(schema["items"]))
    elif name in _INSTANTS:
        for value in (*_NO_INSTANTS, "-1", "1.5"):
            yield value, (_INSTANT,)
    elif "enum" in schema:
        for value in _no_choices(schema["enum"]):
            yield value, tuple(schema["enum"])
    elif "integer" in kinds:
        low, high = schema["minimum"], schema["maximum"]
        for value in ("all", "1e1", "1.5", "-1", "+1", " 1", "٣"):
            yield value, ("a whole number",)
        for bound in (low - 1, high + 1):
            yield str(bound), (f"from {low} to {high}",)
    elif "boolean" in kinds:
        for value in ("yes", "1", "True"):
            yield value, ("true or false",)
    else:
        assert "pattern" in schema, name
        for value in (TOO_LONG_AN_ID, "two words", "\0"):
            yield value, ("must be",)


def _lists(name: str, items: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Texts for a list by commas: of one wrong item, and of a good one beside a wrong or an empty one."""
    good = items["enum"][0] if "enum" in items else _INSTANT
    for value, says in _texts(name, items):
        yield value, says
        yield f"{good},{value}", says
    for value in (f"{good},", f",{good}", ","):
        yield value, says


def _values(name: str, schema: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Wrong JSON values for a member of a body."""
    kinds = _types(schema)
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if "array" in kinds:
        for value in ([], "x", ["x"], [7], [NO_ID] * (schema["maxItems"] + 1), {}):
            yield value, ("list of 1 to", str(schema["maxItems"]))
    elif "boolean" in kinds:
        for value in ("yes", "true", 1, 0, [], {}):
            yield value, ("true or false",)
    elif name in _INSTANTS:
        for value in (*_NO_INSTANTS, "", -1, 1.5, True, 1_796_094_000_000, [], {}):
            yield value, (_INSTANT,)
    else:
        known = tuple(choice for choice in choices if choice)
        for value in (*_no_choices(known), "") if known else ():
            yield value, known
        if name in _CURSORS:
            yield "2", _OF_A_CURSOR
        if "maxLength" in schema:
            yield "x" * (schema["maxLength"] + 1), ("longer", str(schema["maxLength"]))
        for value in (7, True, ["x"], {"x": 1}):
            yield value, ("a string",)


def _no_choices(choices: Any) -> tuple[str, ...]:
    first = str(choices[0])
    return ("nonsense", first.upper(), f" {first}", f"{first} ", first[:-1], f"{first},{first}x")


def _types(schema: Any) -> set[str]:
    """The JSON types that a schema allows, null left out."""
    own = schema.get("type", ())
    branches = [_types(resolved(branch)) for branch in schema.get("oneOf", ())]
    return set[str]().union({own} if isinstance(own, str) else own, *branches) - {"null"}
