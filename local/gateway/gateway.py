"""API Gateway for one machine: routes, authorizes, invokes, answers. No I/O but the runner's."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local.gateway.authorizer import AuthorizerGate
from local.gateway.call import Arrival, Call, Handshake
from local.gateway.events import Caller, IamCaller, integration_event
from local.gateway.gateway_responses import refusal_answer
from local.gateway.integration import invoke
from local.gateway.messages import GatewayRequest, GatewayResponse, Headers, message_response
from local.gateway.model import ApiKind, MountedApi
from local.gateway.refusals import BAD_SIGNATURE, Refusal, no_route, throttled, too_large, unsigned
from local.gateway.routing import find_route, gateway_path
from local.gateway.sigv4 import (
    LOCAL_KEY,
    LOCAL_ROLE_KEY,
    MissingSignature,
    SignatureError,
    SigningKey,
    verify,
)
from local.gateway.socket_events import new_id
from local.gateway.sockets import connect_route, open_session
from local.gateway.throttles import ThrottleGate
from local.gateway.websocket import Upgrade, shake_hands
from local.runners import Runner

LOG = logging.getLogger(__name__)

MAX_PAYLOAD_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Ids:
    """The ids of one request, and the headers that tell the client of them.

    A REST API has two, a UUID and one in the form that every other kind's only id has.
    """

    request: str
    extended: str
    headers: Headers

    @classmethod
    def of(cls, kind: ApiKind) -> _Ids:
        extended = new_id()
        if kind is ApiKind.REST:
            request = str(uuid.uuid4())
            return cls(request, extended, (("x-amzn-RequestId", request), ("x-amz-apigw-id", extended)))
        name = "apigw-requestid" if kind is ApiKind.HTTP else "x-amzn-RequestId"
        return cls(extended, extended, ((name, extended),))


class Gateway:
    """Serves several APIs, each under its own prefix, through one runner.

    clock: epoch seconds; rules event times, authorizer cache, throttles and signature window.
    keys: those whose owners may call IAM routes.
    """

    def __init__(
        self,
        apis: Sequence[MountedApi],
        runner: Runner,
        clock: Callable[[], float] = time.time,
        keys: Sequence[SigningKey] = (LOCAL_KEY, LOCAL_ROLE_KEY),
    ) -> None:
        # The longest prefix first: "" would take every path.
        self._mounts = sorted(apis, key=lambda mounted: len(mounted.prefix), reverse=True)
        self._gates = {mounted.prefix: AuthorizerGate(runner, clock) for mounted in apis}
        self._throttles = {mounted.prefix: ThrottleGate(mounted.api, clock) for mounted in apis}
        self._runner = runner
        self._clock = clock
        self._keys = keys

    def handle(self, request: GatewayRequest) -> GatewayResponse | Upgrade:
        """The answer to a request, whatever it is; a function's failure is an answer too.

        An Upgrade is the answer to a WebSocket's handshake that was let through.
        """
        mounted = next((mount for mount in self._mounts if _is_under(request.path, mount.prefix)), None)
        if mounted is None:
            return message_response(404, "Not Found")
        ids = _Ids.of(mounted.api.kind)
        serve = self._open if mounted.api.kind is ApiKind.WEBSOCKET else self._serve
        answer = serve(request, mounted, ids)
        if isinstance(answer, Upgrade):
            return answer
        return GatewayResponse(answer.status, (*answer.headers, *ids.headers), answer.body)

    def _serve(self, request: GatewayRequest, mounted: MountedApi, ids: _Ids) -> GatewayResponse:
        api = mounted.api
        try:
            path = gateway_path(api.kind, request.path[len(mounted.prefix) :] or "/")
        except UnicodeDecodeError:
            return message_response(400, "Bad Request")
        arrival = Arrival(request, api, path, ids.request, self._clock(), extended_id=ids.extended)
        if len(request.body) > MAX_PAYLOAD_BYTES:
            return refusal_answer(too_large(api.kind), arrival)
        match = find_route(api, request.method, path)
        if match is None:
            return refusal_answer(no_route(api.kind), arrival)
        if not self._throttles[mounted.prefix].admits(match.route):
            return refusal_answer(throttled(), arrival)
        call = Call(
            request,
            api,
            path,
            ids.request,
            arrival.now,
            match.route,
            match.path_parameters,
            extended_id=ids.extended,
        )
        outcome = self._serve_call(call, mounted.prefix)
        return refusal_answer(outcome, call) if isinstance(outcome, Refusal) else outcome

    def _open(self, request: GatewayRequest, mounted: MountedApi, ids: _Ids) -> GatewayResponse | Upgrade:
        """A WebSocket API has one address, its stage, and takes nothing but handshakes."""
        if request.path[len(mounted.prefix) :] not in ("", "/"):
            return message_response(403, "Forbidden")
        accepted = shake_hands(request)
        if isinstance(accepted, GatewayResponse):
            return accepted
        api, now = mounted.api, self._clock()
        handshake = Handshake(request, api, "/", ids.request, now, connect_route(api), {}, new_id())
        session = open_session(handshake, self._gates[mounted.prefix], self._runner, self._clock)
        return session if isinstance(session, GatewayResponse) else Upgrade(accepted, session)

    def _serve_call(self, call: Call, prefix: str) -> GatewayResponse | Refusal:
        caller = self._admit(call, prefix)
        if isinstance(caller, Refusal):
            return caller
        return invoke(self._runner, call.api.kind, call.route, integration_event(call, caller))

    def _admit(self, call: Call, prefix: str) -> Caller | Refusal:
        if call.route.iam:
            return self._verify_signature(call)
        if call.route.authorizer is not None:
            return self._gates[prefix].admit(call, call.route.authorizer)
        return None

    def _verify_signature(self, call: Call) -> IamCaller | Refusal:
        try:
            key = verify(call.request, self._keys, call.now)
        except SignatureError as error:
            LOG.info("signature refused: %s", error)
            return unsigned(call.api.kind) if isinstance(error, MissingSignature) else BAD_SIGNATURE
        return IamCaller(key.access_key, key.user_arn, key.user_id)


def _is_under(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix}/")
