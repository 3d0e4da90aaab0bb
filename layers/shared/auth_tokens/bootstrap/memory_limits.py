"""Limits that each environment has for itself."""

from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.bootstrap.container import Container, singleton


@singleton
def memory_limiter(shared: Container) -> MemoryLimiter:
    """No statement."""
    return MemoryLimiter(shared.clock_ms)
