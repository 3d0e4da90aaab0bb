"""For the operators' figures."""

from auth_tokens.adapters.mysql.analytics.census import MySqlCensus
from auth_tokens.adapters.mysql.analytics.rollups import MySqlRollups
from auth_tokens.bootstrap.container import Container
from auth_tokens.usecases.analytics.summarise import SummariseDeps


def summarising(shared: Container) -> SummariseDeps:
    """Dependencies of the figures."""
    rollups, census = MySqlRollups(shared.database), MySqlCensus(shared.database)
    return SummariseDeps(rollups, census, shared.clock, shared.settings.cleanup_retention_s)
