"""Asks a Lambda authorizer whether a call may pass, or remembers what it said."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from local.gateway.authorizer_events import authorizer_event
from local.gateway.call import Call, identity_values
from local.gateway.events import Authorized
from local.gateway.model import ApiKind, Authorizer, AuthorizerType
from local.gateway.policy import PolicyError
from local.gateway.refusals import UNAUTHORIZED, URI_TOO_LONG, Refusal, authorizer_broken
from local.gateway.result_cache import ResultCache
from local.gateway.verdicts import BadVerdict, Verdict, apply_verdict, read_verdict
from local.runners import FunctionError, Runner

LOG = logging.getLogger(__name__)

# How long each kind of API waits for an authorizer. Only that of HTTP APIs is documented ("Quotas for
# configuring and running an HTTP API"); the others wait as for an integration (docs/local-stack.md).
_TIMEOUT_S = {ApiKind.HTTP: 10.0, ApiKind.REST: 29.0, ApiKind.WEBSOCKET: 29.0}
# The longest method ARN that a REST API authorizes.
_MAX_ARN_BYTES = 1600


class AuthorizerGate:
    """The authorizers of one mounted API and their result cache. clock: epoch seconds."""

    def __init__(self, runner: Runner, clock: Callable[[], float]) -> None:
        self._runner = runner
        self._clock = clock
        self._cache: ResultCache[Verdict] = ResultCache()

    def admit(self, call: Call, authorizer: Authorizer) -> Authorized | Refusal:
        """What the authorizer knows of the caller, or why the caller is turned away.

        A REST API's policy is cached whole and evaluated again for every method; so is an
        HTTP API's, whereas its simple response stands for every route. Failures are not cached.
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
    """Whether a TOKEN authorizer's own expression lets the token through to it."""
    if authorizer.type is not AuthorizerType.TOKEN or authorizer.validation_expression is None:
        return True
    return re.match(authorizer.validation_expression, values[0]) is not None
