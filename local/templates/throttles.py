"""Reads the throttles of a stage and its routes.

Sources: API Gateway developer guide, "Throttling requests to your HTTP API" and "Throttle requests to your REST APIs".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.templates.intrinsics import TemplateError
from local.templates.model import Throttle

# What an account may have in a Region: the value of a setting that a stage leaves out.
_ACCOUNT = Throttle(rate_per_s=10_000, burst=5_000)
_RATE, _BURST = "ThrottlingRateLimit", "ThrottlingBurstLimit"


def throttles_of(stage: Mapping[str, Any]) -> dict[str, Throttle]:
    """The throttles of a stage by route key; "" is for each route without one of its own.

    stage: its properties, with their intrinsics resolved.
    Raises TemplateError for settings that local mode does not count.
    """
    settings = [("", stage.get("DefaultRouteSettings", {})), *stage.get("RouteSettings", {}).items()]
    settings += _method_settings(stage.get("MethodSettings", ()))
    return {key: _throttle(values) for key, values in settings if _RATE in values or _BURST in values}


def _method_settings(listed: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The settings of a REST API. Its paths are written with ~1 for each slash, or with slashes."""
    for values in listed:
        method, path = values.get("HttpMethod"), str(values.get("ResourcePath"))
        if (method, path) == ("*", "/*"):
            yield "", values
        elif method == "*" or path == "/*":
            raise TemplateError(f"MethodSettings of {method} {path} are not served locally")
        else:
            yield f"{method} /{path.replace('~1', '/').lstrip('/')}", values


def _throttle(values: Mapping[str, Any]) -> Throttle:
    rate, burst = values.get(_RATE, _ACCOUNT.rate_per_s), values.get(_BURST, _ACCOUNT.burst)
    return Throttle(float(rate), int(burst))
