"""For the analytics schedule."""

from auth_tokens.adapters.event_bus import EventBridgeBus, events_client
from auth_tokens.adapters.mysql.analytics.census import MySqlCensus
from auth_tokens.adapters.mysql.analytics.rollups import MySqlRollups
from auth_tokens.adapters.mysql.leases import MySqlLeases
from auth_tokens.adapters.mysql.outbox import MySqlOutbox
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.events import event_log, finding_inbox
from auth_tokens.usecases.analytics.analyse import AnalyseDeps
from auth_tokens.usecases.analytics.detect import DetectDeps
from auth_tokens.usecases.analytics.roll_up import RollUpDeps
from auth_tokens.usecases.analytics.take_census import CensusDeps
from auth_tokens.usecases.publish_events import PublishDeps


def analysing(shared: Container) -> AnalyseDeps:
    """Dependencies of the analytics schedule."""
    bus_name, log = shared.settings.security_bus, event_log(shared)
    bus = EventBridgeBus(bus_name, events_client) if bus_name else None
    rollups = MySqlRollups(shared.database)
    outbox = MySqlOutbox(shared.database, log.open_detail)
    return AnalyseDeps(
        leases=MySqlLeases(shared.database),
        clock_ms=shared.clock_ms,
        rolling=RollUpDeps(rollups, shared.clock),
        counting=CensusDeps(MySqlCensus(shared.database), shared.clock),
        detecting=DetectDeps(log, finding_inbox(shared), rollups, shared.clock),
        publishing=PublishDeps(outbox, bus, shared.clock),
    )
