"""For the analytics schedule, while the Portal's own tokens are taken over."""

from collections.abc import Callable

from auth_tokens.adapters.mysql.legacy_table import LegacyTable
from auth_tokens.adapters.mysql.unclaimed import count_unclaimed
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.portal import portal_tables
from auth_tokens.domain.analytics.hours import hour_of


def counting_unclaimed(shared: Container) -> Callable[[Callable[[], int]], int | None]:
    """Counts the tokens that are still to come, once an hour in an environment; None at other times, and where none is
    taken over. Given the milliseconds that are left."""
    tables = portal_tables(shared)
    legacy = tables.mapping.legacy_tokens
    counted: list[int] = []

    def count(remaining_ms: Callable[[], int]) -> int | None:
        hour = hour_of(shared.clock())
        if legacy is None or hour in counted:
            return None
        counted[:] = [hour]
        return count_unclaimed(shared.database, LegacyTable(legacy, tables), shared.clock(), remaining_ms)

    return count
