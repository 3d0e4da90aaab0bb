"""For what operators do about findings, outbox and figures."""

from auth_tokens.adapters.mysql.analytics.rollups import MySqlRollups
from auth_tokens.adapters.mysql.outbox import MySqlOutbox, MySqlReplays
from auth_tokens.adapters.mysql.purges import purges
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.events import event_log, finding_inbox
from auth_tokens.usecases.findings import FindingsDeps
from auth_tokens.usecases.inbox import InboxDeps
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.usecases.sessions_of_source import SourceDeps
from auth_tokens.usecases.upkeep import UpkeepDeps


def judging_findings(shared: Container) -> FindingsDeps:
    """Dependencies of the list of findings."""
    return FindingsDeps(event_log(shared), finding_inbox(shared), shared.clock)


def reading_inbox(shared: Container) -> InboxDeps:
    """Dependencies of the inbox of findings."""
    return InboxDeps(finding_inbox(shared), event_log(shared))


def finding_sources(shared: Container, sessions: SessionDeps) -> SourceDeps:
    """Dependencies of the sessions of a finding's source."""
    return SourceDeps(event_log(shared), sessions)


def keeping_up(shared: Container) -> UpkeepDeps:
    """Dependencies of the upkeep."""
    settings, database, log = shared.settings, shared.database, event_log(shared)
    return UpkeepDeps(
        replays=MySqlReplays(database),
        outbox=MySqlOutbox(database, log.open_detail),
        purges=purges(database, settings.cleanup_retention_s, settings.event_retention_s),
        rollups=MySqlRollups(database),
        log=log,
        clock=shared.clock,
        event_retention_s=settings.event_retention_s,
    )
