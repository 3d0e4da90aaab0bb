"""Limits that all environments share."""

from auth_tokens.adapters.mysql.limits import MySqlLimiter
from auth_tokens.bootstrap.keys import keys
from auth_tokens.bootstrap.parts import Parts, part


@part
def limiter(shared: Parts) -> MySqlLimiter:
    """One write an attempt."""
    return MySqlLimiter(shared.database, keys(shared), shared.telemetry, shared.clock_ms)
