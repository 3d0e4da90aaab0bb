"""A request at an API, and with its route: all that events, cache keys and ARNs are made of."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from local.gateway.arns import ACCOUNT_ID, domain_name, method_arn
from local.gateway.messages import GatewayRequest
from local.gateway.model import Api, ApiKind, IdentitySource, Route, SourceKind


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that has found its API.

    path: within the API, without mount prefix and stage; now: epoch seconds of arrival;
    extended_id: the second id of a REST API's request; other kinds have one for both.
    """

    request: GatewayRequest
    api: Api
    path: str
    request_id: str
    now: float
    extended_id: str = field(default="", kw_only=True)

    @property
    def stage_path(self) -> str:
        """The path as it is on the API's own domain: a named stage is its first segment."""
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
        """Values of a query parameter; names match with regard to case."""
        return [value for key, value in self.query_pairs() if key == name]


def clf_time(now: float) -> str:
    """The Common Log Format time that events carry, UTC."""
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now))


@dataclass(frozen=True, slots=True)
class Call(Arrival):
    """A request that has found its route."""

    route: Route
    path_parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Handshake(Call):
    """A request that would open a WebSocket. connection_id: the id that the connection will have."""

    connection_id: str

    @property
    def method_arn(self) -> str:
        """A handshake's ARN has the route key where others have method and path."""
        return method_arn(self.api.id, self.api.stage, self.route.key, "")


def identity_values(call: Call, sources: tuple[IdentitySource, ...]) -> tuple[str, ...] | None:
    """The values of an authorizer's identity sources; None if one is missing or empty."""
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
    """A `$context` variable by its name without that prefix; None for one without a value here."""
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
