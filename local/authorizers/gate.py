"""Asks a Lambda authorizer whether a call is allowed, or uses a cached result."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from local.authorizers.events import authorizer_event
from local.authorizers.policy import PolicyError
from local.authorizers.result_cache import ResultCache
from local.authorizers.verdicts import BadVerdict, Verdict, apply_verdict, read_verdict
from local.http.call import Call, identity_values
from local.http.events import Authorized
from local.http.refusals import UNAUTHORIZED, URI_TOO_LONG, Refusal, authorizer_broken
from local.runners import FunctionError, Runner
from local.templates.model import ApiKind, Authorizer, AuthorizerType

LOG = logging.getLogger(__name__)

# How long each kind of API waits for an authorizer. The time of HTTP APIs is documented ("Quotas for configuring and
# running an HTTP API"). For the others it is assumed to be that of an integration (docs/reference/local-stack.md).
_TIMEOUT_S = {ApiKind.HTTP: 10.0, ApiKind.REST: 29.0, ApiKind.WEBSOCKET: 29.0}
# A REST API refuses a longer method ARN.
_MAX_ARN_BYTES = 1600


class AuthorizerGate:
    """The authorizers of one API, and their result cache. clock: epoch seconds."""

    def __init__(self, runner: Runner, clock: Callable[[], float]) -> None:
        self._runner = runner
        self._clock = clock
        self._cache: ResultCache[Verdict] = ResultCache()

    def admit(self, call: Call, authorizer: Authorizer) -> Authorized | Refusal:
        """The authorizer's result if it allows the call, else the refusal.

        A cached policy is evaluated again for every method. A cached simple response, which HTTP APIs have,
        holds for every route. Failures are not cached.
        """
        kind = call.api.kind
        if kind is ApiKind.REST and len(call.method_arn.encode()) > _MAX_ARN_BYTES:
            return URI_TOO_LONG
        values = identity_values(call, authorizer.identity_sources)
        if values is None or not _is_plausible(authorizer, values):
            return UNAUTHORIZED
        key = (call.api.id, call.api.stage, authorizer.name, *values)
        try:
            cached = self._cache.get(key, self._clock()) if authorizer.ttl_s else None
            verdict = cached or self._ask(call, authorizer, values)
            outcome = apply_verdict(kind, verdict, call.method_arn)
        except FunctionError as error:
            if error.error_message == "Unauthorized":
                return UNAUTHORIZED
            return self._misconfigured(call, authorizer, error)
        except (BadVerdict, PolicyError, TimeoutError) as error:
            return self._misconfigured(call, authorizer, error)
        if authorizer.ttl_s and cached is None:
            self._cache.put(key, verdict, self._clock() + authorizer.ttl_s)
        return outcome

    def _ask(self, call: Call, authorizer: Authorizer, values: tuple[str, ...]) -> Verdict:
        event = authorizer_event(call, authorizer, values)
        answer = self._runner.invoke(authorizer.function, event, _TIMEOUT_S[call.api.kind])
        return read_verdict(call.api.kind, authorizer, answer)

    def _misconfigured(self, call: Call, authorizer: Authorizer, error: Exception) -> Refusal:
        LOG.error("authorizer %s failed: %s: %s", authorizer.name, type(error).__name__, error)
        return authorizer_broken(call.api.kind)


def _is_plausible(authorizer: Authorizer, values: tuple[str, ...]) -> bool:
    """Whether the token matches the validation expression of a TOKEN authorizer, if there is one."""
    if authorizer.type is not AuthorizerType.TOKEN or authorizer.validation_expression is None:
        return True
    return re.match(authorizer.validation_expression, values[0]) is not None
