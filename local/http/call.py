"""A request with its API and its route. Events, cache keys and ARNs are made from it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from local.http.messages import GatewayRequest
from local.templates.arns import ACCOUNT_ID, domain_name, method_arn
from local.templates.model import Api, ApiKind, IdentitySource, Route, SourceKind


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request whose API is known.

    path: within the API, without mount prefix and stage. now: epoch seconds of its arrival.
    extended_id: the second id of a request at a REST API; empty for other kinds.
    """

    request: GatewayRequest
    api: Api
    path: str
    request_id: str
    now: float
    extended_id: str = field(default="", kw_only=True)

    @property
    def stage_path(self) -> str:
        """The path on the API's own domain, where a named stage is the first segment."""
        return self.path if self.api.stage == "$default" else f"/{self.api.stage}{self.path}"

    @property
    def method_arn(self) -> str:
        return method_arn(self.api.id, self.api.stage, self.request.method, self.path)

    @property
    def time_epoch_ms(self) -> int:
        return int(self.now * 1000)

    @property
    def clf_time(self) -> str:
        return clf_time(self.now)

    @property
    def user_agent(self) -> str | None:
        return self.request.header("User-Agent")

    def query_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.request.query, keep_blank_values=True)

    def query_values(self, name: str) -> list[str]:
        """The values of a query parameter. Its name is case-sensitive."""
        return [value for key, value in self.query_pairs() if key == name]


def clf_time(now: float) -> str:
    """An instant in Common Log Format, UTC, as events carry it."""
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now))


@dataclass(frozen=True, slots=True)
class Call(Arrival):
    """A request whose route is known."""

    route: Route
    path_parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Handshake(Call):
    """A request that opens a WebSocket. connection_id: of the connection that it opens."""

    connection_id: str

    @property
    def method_arn(self) -> str:
        """The ARN of a handshake, which has the route key in place of method and path."""
        return method_arn(self.api.id, self.api.stage, self.route.key, "")


def identity_values(call: Call, sources: tuple[IdentitySource, ...]) -> tuple[str, ...] | None:
    """The values of an authorizer's identity sources. None if one of them is missing or empty."""
    values = tuple(_value(call, source) for source in sources)
    return tuple(value for value in values if value) if all(values) else None


def _value(call: Call, source: IdentitySource) -> str | None:
    match source.kind:
        case SourceKind.HEADER:
            return call.request.header(source.name)
        case SourceKind.QUERY:
            return ",".join(call.query_values(source.name)) or None
        case SourceKind.STAGE_VARIABLE:
            return call.api.stage_variables.get(source.name)
        case SourceKind.CONTEXT:
            return context_variable(call, source.name)


def context_variable(arrival: Arrival, name: str) -> str | None:
    """The value of a `$context` variable. name: without that prefix. None for a variable unknown to local mode."""
    route_key, path = (arrival.route.key, arrival.route.path) if isinstance(arrival, Call) else (None, None)
    known = {
        "accountId": ACCOUNT_ID,
        "apiId": arrival.api.id,
        "domainName": domain_name(arrival.api.id),
        "httpMethod": arrival.request.method,
        "identity.sourceIp": arrival.request.source_ip,
        "identity.userAgent": arrival.user_agent,
        "path": arrival.stage_path,
        "protocol": arrival.request.protocol,
        "requestId": arrival.request_id,
        "resourcePath": route_key if arrival.api.kind is ApiKind.HTTP else path,
        "routeKey": route_key,
        "stage": arrival.api.stage,
    }
    return known.get(name)
