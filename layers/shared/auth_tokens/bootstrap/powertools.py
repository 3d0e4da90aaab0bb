"""Telemetry for every function but the authorizer."""

from auth_tokens.bootstrap.telemetry import SERVICE
from auth_tokens.observability import Telemetry
from auth_tokens.observability_powertools import PowertoolsTelemetry
from auth_tokens.settings import service_name


def powertools() -> Telemetry:
    """By AWS Lambda Powertools."""
    return PowertoolsTelemetry(service_name(SERVICE))
