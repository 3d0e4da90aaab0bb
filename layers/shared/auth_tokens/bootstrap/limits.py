"""Limits that all environments share."""

from auth_tokens.adapters.mysql.limits import MySqlLimiter
from auth_tokens.bootstrap.container import Container, singleton
from auth_tokens.bootstrap.keys import keys


@singleton
def limiter(shared: Container) -> MySqlLimiter:
    """One write an attempt."""
    return MySqlLimiter(shared.database, keys(shared), shared.telemetry, shared.clock_ms)
