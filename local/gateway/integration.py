"""Invokes the function behind a route, and says what its failures are to the caller."""

from __future__ import annotations

import logging

from local.gateway.events import Event
from local.gateway.messages import GatewayResponse
from local.gateway.model import ApiKind, Route
from local.gateway.refusals import Refusal, function_failed, throttled_function, timed_out, too_large
from local.gateway.responses import from_lambda_response
from local.runners import FunctionError, PayloadTooLarge, Runner, Throttled

LOG = logging.getLogger(__name__)


def invoke(runner: Runner, kind: ApiKind, route: Route, event: Event) -> GatewayResponse | Refusal:
    """What the route's function answers to an event, or the gateway in its place."""
    try:
        result = runner.invoke(route.function, event, route.timeout_s)
    except TimeoutError:
        return timed_out(kind)
    except Throttled:
        return throttled_function(kind)
    except PayloadTooLarge:
        return too_large(kind)
    except FunctionError as error:
        LOG.warning("%s failed: %s", route.function, error.error_type)
        return function_failed(kind)
    return from_lambda_response(kind, route.payload_version, result)
