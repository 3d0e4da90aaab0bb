"""Turns a refusal into a response. The gateway responses of a REST API may customize it.

Source: API Gateway developer guide, "Gateway responses in API Gateway". Their templates have variables, but no
conditions, functions or escaping.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from local.http.call import Arrival, context_variable
from local.http.messages import GatewayResponse, Headers, json_response
from local.http.refusals import Refusal
from local.http.responses import is_header_value
from local.templates.model import ApiKind, CustomRefusal, RefusalType

_VARIABLE = re.compile(r"\$((?:context|stageVariables|method\.request)(?:\.[A-Za-z0-9_-]+)+)")


def refusal_answer(refusal: Refusal, arrival: Arrival) -> GatewayResponse:
    """The response to a request that the gateway refuses."""
    return replace(_answer(refusal, arrival), reason=refusal.reason)


def _answer(refusal: Refusal, arrival: Arrival) -> GatewayResponse:
    custom = _custom(refusal, arrival)
    if custom is None:
        return _plain(refusal, arrival.api.kind, refusal.status)
    plain = _plain(refusal, arrival.api.kind, custom.status or refusal.status)
    headers = (*plain.headers, *_headers(custom, refusal, arrival))
    body = plain.body if custom.body is None else _filled(custom.body, refusal, arrival).encode()
    return GatewayResponse(plain.status, headers, body)


def _custom(refusal: Refusal, arrival: Arrival) -> CustomRefusal | None:
    """The API's gateway response of this type, else its default for 4XX or 5XX; None if it has neither."""
    default = RefusalType.DEFAULT_4XX if refusal.status < 500 else RefusalType.DEFAULT_5XX
    customs = arrival.api.custom_refusals
    return customs.get(refusal.type.value) or customs.get(default.value)


def _plain(refusal: Refusal, kind: ApiKind, status: int) -> GatewayResponse:
    is_rest_denial = kind is ApiKind.REST and refusal.type is RefusalType.ACCESS_DENIED
    return json_response(status, {"Message" if is_rest_denial else "message": refusal.message})


def _headers(custom: CustomRefusal, refusal: Refusal, arrival: Arrival) -> Headers:
    values = ((name, _value(expression, refusal, arrival)) for name, expression in custom.headers)
    return tuple((name, value) for name, value in values if value and is_header_value(value))


def _value(expression: str, refusal: Refusal, arrival: Arrival) -> str:
    """A header's value. expression: text in quotes, or the name of a variable."""
    if expression.startswith("'"):
        return expression[1:-1]
    return _variable(expression, refusal, arrival)


def _filled(template: str, refusal: Refusal, arrival: Arrival) -> str:
    return _VARIABLE.sub(lambda found: _variable(found[1], refusal, arrival), template)


def _variable(name: str, refusal: Refusal, arrival: Arrival) -> str:
    """A variable's value, as text. Empty for a variable without a value."""
    match name.split("."):
        case ["context", "error", member]:
            return _error(refusal).get(member, "")
        case ["context", "authorizer", member]:
            return str(refusal.authorizer.get(member, ""))
        case ["context", *members]:
            return context_variable(arrival, ".".join(members)) or ""
        case ["stageVariables", variable]:
            return arrival.api.stage_variables.get(variable, "")
        case ["method", "request", "header", header]:
            return arrival.request.header(header) or ""
        case ["method", "request", "querystring", parameter]:
            return next(reversed(arrival.query_values(parameter)), "")
        case _:
            return ""


def _error(refusal: Refusal) -> dict[str, str]:
    return {
        "message": refusal.message or "",
        "messageString": json.dumps(refusal.message),
        "responseType": refusal.type.value,
    }
