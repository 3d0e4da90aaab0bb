"""API Gateway for one machine: routes, authorizes, invokes, answers. No I/O but the runner's."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence

from local.gateway import responses
from local.gateway.arns import ACCOUNT_ID, PARTITION
from local.gateway.authorizer import AuthorizerGate
from local.gateway.call import Call
from local.gateway.events import Caller, IamCaller, integration_event
from local.gateway.messages import GatewayRequest, GatewayResponse, message_response
from local.gateway.model import ApiKind, MountedApi
from local.gateway.routing import find_route, gateway_path
from local.gateway.sigv4 import LOCAL_KEY, MissingSignature, SignatureError, SigningKey, verify
from local.runners import FunctionError, Runner

LOG = logging.getLogger(__name__)

MAX_PAYLOAD_BYTES = 10 * 1024 * 1024
_REQUEST_ID_HEADER = {ApiKind.HTTP: "apigw-requestid", ApiKind.REST: "x-amzn-RequestId"}


class Gateway:
    """Serves several APIs, each under its own prefix, through one runner.

    clock: epoch seconds; rules event times, authorizer cache and signature window.
    key: the key pair whose owner may call IAM routes.
    """

    def __init__(
        self,
        apis: Sequence[MountedApi],
        runner: Runner,
        clock: Callable[[], float] = time.time,
        key: SigningKey = LOCAL_KEY,
    ) -> None:
        # The longest prefix first: "" would take every path.
        self._mounts = sorted(apis, key=lambda mounted: len(mounted.prefix), reverse=True)
        self._gates = {mounted.prefix: AuthorizerGate(runner, clock) for mounted in apis}
        self._runner = runner
        self._clock = clock
        self._key = key

    def handle(self, request: GatewayRequest) -> GatewayResponse:
        """The answer to a request, whatever it is; a function's failure is an answer too."""
        mounted = next((mount for mount in self._mounts if _is_under(request.path, mount.prefix)), None)
        if mounted is None:
            return responses.no_route(ApiKind.HTTP)
        request_id = str(uuid.uuid4())
        answer = self._serve(request, mounted, request_id)
        header = (_REQUEST_ID_HEADER[mounted.api.kind], request_id)
        return GatewayResponse(answer.status, (*answer.headers, header), answer.body)

    def _serve(self, request: GatewayRequest, mounted: MountedApi, request_id: str) -> GatewayResponse:
        api = mounted.api
        if len(request.body) > MAX_PAYLOAD_BYTES:
            return message_response(413, "Request Entity Too Large")
        try:
            path = gateway_path(api.kind, request.path[len(mounted.prefix) :] or "/")
        except UnicodeDecodeError:
            return message_response(400, "Bad Request")
        match = find_route(api, request.method, path)
        if match is None:
            return responses.no_route(api.kind)
        call = Call(request, api, match.route, path, match.path_parameters, request_id, self._clock())
        caller = self._admit(call, mounted.prefix)
        return caller if isinstance(caller, GatewayResponse) else self._invoke(call, caller)

    def _admit(self, call: Call, prefix: str) -> Caller | GatewayResponse:
        if call.route.iam:
            return self._verify_signature(call)
        if call.route.authorizer is not None:
            return self._gates[prefix].admit(call, call.route.authorizer)
        return None

    def _verify_signature(self, call: Call) -> IamCaller | GatewayResponse:
        try:
            verify(call.request, self._key, call.now)
        except SignatureError as error:
            LOG.info("signature refused: %s", error)
            is_bare_rest = call.api.kind is ApiKind.REST and isinstance(error, MissingSignature)
            return message_response(403, "Missing Authentication Token" if is_bare_rest else "Forbidden")
        user_arn = f"arn:{PARTITION}:iam::{ACCOUNT_ID}:user/{self._key.access_key}"
        return IamCaller(self._key.access_key, user_arn, user_id=self._key.access_key)

    def _invoke(self, call: Call, caller: Caller) -> GatewayResponse:
        route, kind = call.route, call.api.kind
        started = time.monotonic()
        try:
            result = self._runner.invoke(route.function, integration_event(call, caller), route.timeout_s)
        except TimeoutError:
            return responses.timed_out(kind)
        except FunctionError as error:
            LOG.warning("%s failed: %s", route.function, error.error_type)
            # A runner that stops a function at the gateway's limit reports the function's death.
            is_timeout = time.monotonic() - started >= route.timeout_s
            return responses.timed_out(kind) if is_timeout else responses.function_failed(kind)
        return responses.from_lambda_response(kind, route.payload_version, result)


def _is_under(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix}/")
