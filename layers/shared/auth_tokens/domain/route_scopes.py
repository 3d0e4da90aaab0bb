"""Which scope opens which routes of an API: the setting AUTHORIZER_ROUTE_SCOPES.

A pattern is METHOD/path, `*` for any method, and the path's last segment may be `*`: everything below.
No wildcard elsewhere: an IAM `*` spans slashes, so that `*/jobs` would open `DELETE/admin/jobs` as well.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
# What API Gateway takes of a policy, with room for the ARN before each route.
_MAX_POLICY_BYTES = 8192
_ARN_BYTES = 128
_PATTERN = re.compile(rf"\$connect|({'|'.join(METHODS)}|\*)/(?:[A-Za-z0-9._~-]+/)*(?:[A-Za-z0-9._~-]*|\*)")


class BadPattern(ValueError):
    """A pattern that is none, or more of them than fit into a policy."""


@dataclass(frozen=True, slots=True)
class RouteScopes:
    """(route, scope) pairs, with a method each; an empty scope opens the route to every good credential.
    No pairs: all routes are open."""

    routes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, patterns: Mapping[str, str]) -> "RouteScopes":
        """Raises BadPattern."""
        routes = tuple((route, scope) for pattern, scope in patterns.items() for route in _routes(pattern))
        if sum(len(route) + _ARN_BYTES for route, _ in routes) > _MAX_POLICY_BYTES:
            raise BadPattern("too many routes for one policy")
        return cls(routes)

    def open_to(self, scope: str) -> list[str]:
        """The routes that a space-separated scope opens. It depends on the scope alone, not on the
        requested route, so an answer that is cached for one route is right for every other."""
        granted = {"", *scope.split()}
        return [route for route, needed in self.routes if needed in granted]


def _routes(pattern: str) -> Iterator[str]:
    if not _PATTERN.fullmatch(pattern):
        raise BadPattern(pattern)
    if pattern.startswith("*"):
        yield from (method + pattern[1:] for method in METHODS)
    else:
        yield pattern
