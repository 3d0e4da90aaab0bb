"""What a deployed API is: its routes, authorizers and stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
NO_REFUSALS: Mapping[str, CustomRefusal] = MappingProxyType({})
NO_THROTTLES: Mapping[str, Throttle] = MappingProxyType({})


class ApiKind(Enum):
    HTTP = "http"
    REST = "rest"
    WEBSOCKET = "websocket"


class AuthorizerType(Enum):
    TOKEN = "token"
    REQUEST = "request"


class SourceKind(Enum):
    HEADER = "header"
    QUERY = "querystring"
    STAGE_VARIABLE = "stage variable"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class IdentitySource:
    """Where an authorizer looks for the caller's credential; also its cache key."""

    kind: SourceKind
    name: str


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A Lambda authorizer as deployed.

    function: logical id; ttl_s: 0 switches the result cache off;
    payload_version: "1.0" or "2.0" (REST authorizers have their own shape and say "1.0").
    """

    name: str
    function: str
    type: AuthorizerType
    identity_sources: tuple[IdentitySource, ...]
    ttl_s: int
    payload_version: str = "1.0"
    simple_responses: bool = False
    validation_expression: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path template and the function behind it.

    A route of a WebSocket API has no method, and its key for a path; has_response: what its
    function answers goes back to the client.
    """

    method: str
    path: str
    function: str
    authorizer: Authorizer | None = None
    iam: bool = False
    payload_version: str = "2.0"
    timeout_s: float = 30.0
    has_response: bool = False

    @property
    def is_default(self) -> bool:
        return self.path == "$default"

    @property
    def key(self) -> str:
        """The route key of an HTTP API, "GET /jobs" or "$default", or of a WebSocket API."""
        return self.path if self.is_default or not self.method else f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class CustomRefusal:
    """How a REST API wants one type of refusal answered: one of its gateway responses.

    headers: names and expressions, each text in quotes or the name of a variable;
    body: a template; None for either: as without it.
    """

    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: str | None


@dataclass(frozen=True, slots=True)
class Throttle:
    """How many requests a route takes: rate_per_s in the long run, burst at once."""

    rate_per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Api:
    """One API and its stage.

    throttles: by route key, "" for each of the other routes; custom_refusals: by type, REST
    alone; selection: of a WebSocket API, the members of a message that lead to its route key.
    """

    kind: ApiKind
    id: str
    stage: str
    routes: tuple[Route, ...]
    authorizers: tuple[Authorizer, ...] = ()
    stage_variables: Mapping[str, str] = field(default_factory=lambda: NO_VARIABLES)
    binary_media_types: tuple[str, ...] = ()
    custom_refusals: Mapping[str, CustomRefusal] = field(default_factory=lambda: NO_REFUSALS)
    selection: tuple[str, ...] = ()
    throttles: Mapping[str, Throttle] = field(default_factory=lambda: NO_THROTTLES)


@dataclass(frozen=True, slots=True)
class MountedApi:
    """An API and the local path prefix it is served under; "" is the root."""

    api: Api
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.prefix and (not self.prefix.startswith("/") or self.prefix.endswith("/")):
            raise ValueError(f"mount prefix {self.prefix!r} must start with / and not end with one")
