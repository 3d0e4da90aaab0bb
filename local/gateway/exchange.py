"""A request and its response, as far as a log has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from local.http.messages import GatewayRequest, GatewayResponse
from local.sockets.websocket import Upgrade

_ID_HEADERS = ("apigw-requestid", "x-amzn-requestid")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what was answered.

    target: the path as it was sent, without the query, which may hold secrets; empty for a request that could not be
    read. request_id: empty without one. reason: why the gateway itself refused; else empty.
    """

    method: str
    target: str
    status: int
    duration_s: float
    request_id: str = ""
    reason: str = ""


Log = Callable[[Exchange], None]


def exchange_of(request: GatewayRequest, answer: GatewayResponse | Upgrade, duration_s: float) -> Exchange:
    """duration_s: how long the answer took."""
    target = f"{request.path}?…" if request.query else request.path
    if isinstance(answer, Upgrade):
        return Exchange(request.method, target, HTTPStatus.SWITCHING_PROTOCOLS, duration_s)
    ids = [value for name, value in answer.headers if name.lower() in _ID_HEADERS]
    return Exchange(request.method, target, answer.status, duration_s, "".join(ids[-1:]), answer.reason)
