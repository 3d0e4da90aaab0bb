"""Limits that each environment has for itself."""

from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.bootstrap.parts import Parts, part


@part
def memory_limiter(shared: Parts) -> MemoryLimiter:
    """No statement."""
    return MemoryLimiter(shared.clock_ms)
