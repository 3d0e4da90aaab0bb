"""Chooses the route of a request as API Gateway does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from local.templates.model import Api, ApiKind, Route

_STATIC, _PARAMETER, _GREEDY = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the values of its path parameters. An HTTP API decodes them, a REST API does not."""

    route: Route
    path_parameters: Mapping[str, str]


def gateway_path(kind: ApiKind, raw_path: str) -> str:
    """The path that routes are matched against, and that the event carries.

    An HTTP API decodes percent escapes once, before it routes: /a%2Fb is two segments, and `rawPath` is /a/b.
    A decoded question mark (%3F) ends the path. A REST API keeps the path as it was sent.
    Neither removes //, /./ or /../, decoded or not: they are segments like any other.
    Raises UnicodeDecodeError for escapes that are not UTF-8.
    """
    return unquote(raw_path, errors="strict").partition("?")[0] if kind is ApiKind.HTTP else raw_path


def find_route(api: Api, method: str, path: str) -> Match | None:
    """The most specific route for a method and a path, or None.

    A static segment wins over a {parameter}, that over a {greedy+} one, and all of them over $default.
    A named method wins over ANY. A trailing slash makes a different path. HEAD does not match GET.
    """
    candidates = list(_matches(api, path))
    if api.kind is ApiKind.REST:
        # A REST API chooses the resource first. If that lacks the method, no other resource is tried.
        best = min((_specificity(match.route.path) for match in candidates), default=None)
        candidates = [match for match in candidates if _specificity(match.route.path) == best]
    allowed = [match for match in candidates if match.route.method in (method, "ANY")]
    if allowed:
        return min(allowed, key=lambda match: (_specificity(match.route.path), match.route.method == "ANY"))
    default = next((route for route in api.routes if route.is_default), None)
    return None if default is None else Match(default, {})


def _matches(api: Api, path: str) -> Iterator[Match]:
    segments = path.split("/")
    for route in api.routes:
        if not route.is_default and (captured := _capture(route.path.split("/"), segments)) is not None:
            yield Match(route, captured)


def _capture(template: list[str], segments: list[str]) -> dict[str, str] | None:
    """The path parameters, if the path matches the template. None if it does not."""
    captured: dict[str, str] = {}
    for position, part in enumerate(template):
        weight = _weight(part)
        if weight == _GREEDY:
            rest = "/".join(segments[position:])
            return {**captured, part[1:-2]: rest} if rest else None
        if position >= len(segments):
            return None
        if weight == _PARAMETER and segments[position]:
            captured[part[1:-1]] = segments[position]
        elif part != segments[position]:
            return None
    return captured if len(template) == len(segments) else None


def _specificity(template: str) -> tuple[int, ...]:
    return tuple(map(_weight, template.split("/")))


def _weight(part: str) -> int:
    if not (part.startswith("{") and part.endswith("}")):
        return _STATIC
    return _GREEDY if part.endswith("+}") else _PARAMETER
