"""Invokes the function behind a route, and turns its failures into refusals."""

from __future__ import annotations

import logging
from dataclasses import replace

from local.http.events import Event
from local.http.messages import GatewayResponse
from local.http.refusals import Refusal, function_failed, throttled_function, timed_out, too_large
from local.http.responses import from_lambda_response
from local.runners import FunctionError, PayloadTooLarge, Runner, Throttled
from local.templates.model import ApiKind, Route

LOG = logging.getLogger(__name__)


def invoke(runner: Runner, kind: ApiKind, route: Route, event: Event) -> GatewayResponse | Refusal:
    """The function's response to an event, or the refusal that its failure leads to."""
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
        return replace(function_failed(kind), detail=f"{route.function} failed: {error.error_type}")
    return from_lambda_response(kind, route.payload_version, result)
