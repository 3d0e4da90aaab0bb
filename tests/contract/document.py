"""docs/openapi.yaml as the tests use it: its operations, and whether an answer is as it says."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from local.client import Reply
from local.host.paths import ROOT

PATH = ROOT / "docs" / "openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.load(PATH.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
METHODS = ("get", "post", "patch", "delete", "put", "head", "options", "trace")
OPERATIONS: dict[str, Any] = {
    f"{method.upper()} {path}": item[method]
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
}
# A header of these stands in the document wherever the service sends it.
TELLING_HEADERS = {
    "access-control-allow-methods",
    "allow",
    "cache-control",
    "location",
    "retry-after",
    "set-cookie",
    "www-authenticate",
}
_BRANCHES = {"allOf", "anyOf", "oneOf"}
_CONDITIONS = {"if", "then", "else"}


def at(path: str) -> Any:
    """The node at a path of keys with blanks between them, references followed."""
    node: Any = DOCUMENT
    for key in path.split(" "):
        node = resolved(node[int(key)] if isinstance(node, list) else node[key])
    return node


def resolved(node: Any) -> Any:
    """The node itself, or what it refers to; what stands beside the reference is added."""
    if not isinstance(node, dict) or "$ref" not in node:
        return node
    beside = {key: value for key, value in node.items() if key != "$ref"}
    target = at(node["$ref"].removeprefix("#/").replace("/", " "))
    return {**target, **beside} if beside else target


def responses(route: str) -> dict[int, Any]:
    """The documented answers of a route by status."""
    return {int(status): resolved(answer) for status, answer in OPERATIONS[route]["responses"].items()}


def parameters(route: str) -> dict[str, Any]:
    """The documented parameters of a route by name, those of its path included."""
    shared = DOCUMENT["paths"][route.split(" ")[1]].get("parameters", [])
    listed = map(resolved, [*shared, *OPERATIONS[route].get("parameters", [])])
    return {parameter["name"]: parameter for parameter in listed}


def body_type(route: str) -> str | None:
    """The content type that is documented for a route's body; None where it takes no body."""
    content = OPERATIONS[route].get("requestBody", {}).get("content", {})
    assert len(content) <= 1, "generated clients send one of them labelled as the other"
    return next(iter(content), None)


def body_schema(route: str) -> Any:
    """The schema of a route's body, whatever its content type."""
    return OPERATIONS[route]["requestBody"]["content"][body_type(route)]["schema"]


def member_schema(schema: Any, path: str) -> Any:
    """The schema of a member, `device.name` for one of a member; None where there is no such member."""
    name, _, below = path.partition(".")
    schema = resolved(schema)
    if name in schema.get("properties", {}):
        member = resolved(schema["properties"][name])
        return member_schema(member, below) if below else member
    branches = (branch for key in _BRANCHES for branch in schema.get(key, ()))
    return next(filter(None, (member_schema(branch, path) for branch in branches)), None)


def security_schemes(route: str) -> list[set[str]]:
    """The alternatives of a route; each the schemes that it needs together, none for anyone."""
    return [set(alternative) for alternative in OPERATIONS[route]["security"]]


def error_codes(response: Mapping[str, Any]) -> set[str]:
    """The codes that an answer may have in `error`."""
    return {code for body in response.get("content", {}).values() for code in _codes_in(body["schema"])}


def request_faults(schema: Any, value: Any) -> list[str]:
    """Why a request's body or parameter is not as documented."""
    return _faults(schema, value, _OPEN)


def value_faults(name: str, value: Any) -> list[str]:
    """Why a value in an answer is not one of a named schema, or has members beyond it."""
    return _faults({"$ref": f"#/components/schemas/{name}"}, value, _CLOSED)


def answer_faults(response: Mapping[str, Any], reply: Reply) -> list[str]:
    """What an answer has and the document has not, or the other way round; empty where they agree."""
    return [*_header_faults(response.get("headers", {}), reply), *_body_faults(response, reply)]


def _body_faults(response: Mapping[str, Any], reply: Reply) -> Iterator[str]:
    content = response.get("content")
    if content is None or _is_bare_challenge(reply):
        yield from ["a body that is not documented"] if reply.body else []
        return
    media_type = reply.headers.get("content-type", "").partition(";")[0]
    if media_type not in content:
        yield f"Content-Type {media_type}"
        return
    value = json.loads(reply.body or b"null") if media_type == "application/json" else reply.body.decode()
    # Closed for the test only: the document lets members be added.
    yield from _faults(content[media_type]["schema"], value, _CLOSED)


def _is_bare_challenge(reply: Reply) -> bool:
    """No credential, no code, no body (RFC 6750 §3.1): what a schema cannot say, and a description does."""
    challenge = reply.headers.get("www-authenticate", "")
    return reply.status == 401 and challenge.startswith("Bearer") and "error=" not in challenge


def _header_faults(documented: Mapping[str, Any], reply: Reply) -> Iterator[str]:
    for name in TELLING_HEADERS & reply.headers.keys() - {name.lower() for name in documented}:
        yield f"{name} is not documented"
    for name, header in documented.items():
        header, value = resolved(header), reply.headers.get(name.lower())
        if value is not None:
            yield from (f"{name}: {fault}" for fault in _header_value_faults(header["schema"], value))
        elif header.get("required"):
            yield f"{name} is missing"


def _header_value_faults(schema: Mapping[str, Any], value: str) -> list[str]:
    is_number = schema.get("type") == "integer" or isinstance(schema.get("const"), int)
    return _faults(schema, int(value) if is_number and value.isdigit() else value, _OPEN)


def _codes_in(schema: Mapping[str, Any]) -> set[str]:
    error = schema.get("properties", {}).get("error", {})
    narrowed = {error["const"]} if "const" in error else set(error.get("enum", ()))
    if narrowed:
        return narrowed
    if "$ref" in schema:
        return _codes_in(resolved(schema))
    return {code for key in _BRANCHES for branch in schema.get(key, ()) for code in _codes_in(branch)}


def _faults(schema: Any, value: Any, registry: Registry[Any]) -> list[str]:
    validator = Draft202012Validator(_absolute(schema), registry=registry)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def _absolute(node: Any) -> Any:
    """The node with its references made good from anywhere."""
    if isinstance(node, list):
        return [_absolute(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: f"urn:openapi{value}" if key == "$ref" else _absolute(value) for key, value in node.items()}


def _closed(node: Any, *, is_branch: bool = False) -> Any:
    """The node with every object's members confined to those that it names, itself or by what all of it has to be."""
    if isinstance(node, list):
        return [_closed(item, is_branch=is_branch) for item in node]
    if not isinstance(node, dict):
        return node
    # Not by reference: what is closed for itself has no room for the other branches' members.
    node = {key: list(map(resolved, value)) if key == "allOf" else value for key, value in node.items()}
    closed = {key: _closed(value, is_branch=key in _BRANCHES | _CONDITIONS) for key, value in node.items()}
    if node.keys() & {"properties", "allOf"} and not is_branch:
        closed["unevaluatedProperties"] = False
    return closed


def _registry(document: Any) -> Registry[Any]:
    resource = DRAFT202012.create_resource(_absolute(document))
    return Registry().with_resource("urn:openapi", resource)


_OPEN = _registry(DOCUMENT)
_CLOSED = _registry(_closed(DOCUMENT))
