"""Telemetry for the authorizer, whose import budget has no room for Powertools."""

from auth_tokens.observability import StandardTelemetry, Telemetry
from auth_tokens.settings import service_name

SERVICE = "auth-tokens"


def standard() -> Telemetry:
    """By the standard library alone."""
    return StandardTelemetry(service_name(SERVICE))
