"""API Gateway on one machine: routes, authorizes, invokes, responds. All I/O is the runner's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from local.authorizers.gate import AuthorizerGate
from local.http.call import Arrival, Call, Handshake
from local.http.events import Caller, IamCaller, integration_event
from local.http.gateway_responses import refusal_answer
from local.http.ids import RequestIds, new_id
from local.http.integration import invoke
from local.http.messages import GatewayRequest, GatewayResponse, message_response
from local.http.refusals import BAD_SIGNATURE, Refusal, no_route, throttled, too_large, unsigned
from local.http.routing import find_route, gateway_path
from local.http.sigv4 import LOCAL_KEY, LOCAL_ROLE_KEY, MissingSignature, SignatureError, SigningKey, verify
from local.http.throttles import ThrottleGate
from local.runners import Runner
from local.sockets.session import connect_route, open_session
from local.sockets.websocket import Upgrade, shake_hands
from local.templates.model import ApiKind, MountedApi

MAX_PAYLOAD_BYTES = 10 * 1024 * 1024


class Gateway:
    """Serves several APIs, each under its own prefix, through one runner.

    clock: epoch seconds; for event times, authorizer cache, throttles and signatures.
    keys: their owners may call IAM routes.
    """

    def __init__(
        self,
        apis: Sequence[MountedApi],
        runner: Runner,
        clock: Callable[[], float] = time.time,
        keys: Sequence[SigningKey] = (LOCAL_KEY, LOCAL_ROLE_KEY),
    ) -> None:
        # The longest prefix comes first, because "" matches every path.
        self._mounts = sorted(apis, key=lambda mounted: len(mounted.prefix), reverse=True)
        self._gates = {mounted.prefix: AuthorizerGate(runner, clock) for mounted in apis}
        self._throttles = {mounted.prefix: ThrottleGate(mounted.api, clock) for mounted in apis}
        self._runner = runner
        self._clock = clock
        self._keys = keys

    def handle(self, request: GatewayRequest) -> GatewayResponse | Upgrade:
        """The response to a request, also where a function fails. An Upgrade for an accepted handshake."""
        mounted = next((mount for mount in self._mounts if _is_under(request.path, mount.prefix)), None)
        if mounted is None:
            return message_response(404, "Not Found")
        ids = RequestIds.of(mounted.api.kind)
        serve = self._open if mounted.api.kind is ApiKind.WEBSOCKET else self._serve
        answer = serve(request, mounted, ids)
        if isinstance(answer, Upgrade):
            return answer
        return replace(answer, headers=(*answer.headers, *ids.headers))

    def _serve(self, request: GatewayRequest, mounted: MountedApi, ids: RequestIds) -> GatewayResponse:
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

    def _open(
        self, request: GatewayRequest, mounted: MountedApi, ids: RequestIds
    ) -> GatewayResponse | Upgrade:
        """Serves a WebSocket API, which has a single path and accepts only handshakes."""
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
            refusal = unsigned(call.api.kind) if isinstance(error, MissingSignature) else BAD_SIGNATURE
            return replace(refusal, detail=str(error))
        return IamCaller(key.access_key, key.user_arn, key.user_id)


def _is_under(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix}/")
