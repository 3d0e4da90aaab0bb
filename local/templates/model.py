"""A deployed API: its routes, authorizers and stage."""

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


class RefusalType(Enum):
    """The types of a REST API's gateway responses (API Gateway developer guide, "Gateway response types").

    An API can customize each of them. Some never occur in local mode.
    """

    ACCESS_DENIED = "ACCESS_DENIED"
    API_CONFIGURATION_ERROR = "API_CONFIGURATION_ERROR"
    AUTHORIZER_CONFIGURATION_ERROR = "AUTHORIZER_CONFIGURATION_ERROR"
    AUTHORIZER_FAILURE = "AUTHORIZER_FAILURE"
    BAD_REQUEST_BODY = "BAD_REQUEST_BODY"
    BAD_REQUEST_PARAMETERS = "BAD_REQUEST_PARAMETERS"
    DEFAULT_4XX = "DEFAULT_4XX"
    DEFAULT_5XX = "DEFAULT_5XX"
    EXPIRED_TOKEN = "EXPIRED_TOKEN"
    INTEGRATION_FAILURE = "INTEGRATION_FAILURE"
    INTEGRATION_TIMEOUT = "INTEGRATION_TIMEOUT"
    INVALID_API_KEY = "INVALID_API_KEY"
    INVALID_SIGNATURE = "INVALID_SIGNATURE"
    MISSING_AUTHENTICATION_TOKEN = "MISSING_AUTHENTICATION_TOKEN"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND"
    THROTTLED = "THROTTLED"
    UNAUTHORIZED = "UNAUTHORIZED"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    WAF_FILTERED = "WAF_FILTERED"


@dataclass(frozen=True, slots=True)
class IdentitySource:
    """Where an authorizer finds the caller's credential. The values of its sources are its cache key."""

    kind: SourceKind
    name: str


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A Lambda authorizer as deployed.

    function: its logical id. ttl_s: how long a result is cached; 0 switches the cache off.
    payload_version: "1.0" or "2.0"; "1.0" for those of REST APIs, whose events have a shape of their own.
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

    A route of a WebSocket API has an empty method, and its route key is its path.
    has_response: whether the function's result is sent to the client (WebSocket APIs only).
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
        """The route key: "GET /jobs" or "$default" of an HTTP API, "list" or "$connect" of a WebSocket API."""
        return self.path if self.is_default or not self.method else f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class CustomRefusal:
    """A customized gateway response: how a REST API answers one type of refusal.

    headers: pairs of a name and an expression, which is text in quotes or the name of a variable.
    body: a template. None for status or body keeps the default.
    """

    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: str | None


@dataclass(frozen=True, slots=True)
class Throttle:
    """How many requests a route accepts: rate_per_s in the long run, burst at once."""

    rate_per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Api:
    """One API and its stage.

    throttles: by route key; "" is for each route without a throttle of its own.
    custom_refusals: by type (REST APIs only).
    selection: the path of members in a message that leads to its route key (WebSocket APIs only).
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
    """An API and the path prefix under which it is served locally; "" is the root."""

    api: Api
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.prefix and (not self.prefix.startswith("/") or self.prefix.endswith("/")):
            raise ValueError(f"mount prefix {self.prefix!r} must start with / and not end with one")
