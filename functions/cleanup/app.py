"""Scheduled every few minutes: records revocations that nobody recorded, marks what was cut off, and deletes what ended
long enough ago, within its time; reports what is left."""

from typing import Any

from auth_tokens.bootstrap.checking_portal import checking_portal
from auth_tokens.bootstrap.cleaning import cleaning, settling
from auth_tokens.bootstrap.container import BATCH_TIMEOUT_S, Container
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.time_left import timed
from auth_tokens.usecases.cleanup import CATCH_UP, STEADY, CleanupReport, cleanup
from auth_tokens.usecases.settle_revocations import settle_revocations
from auth_tokens.web.handler import is_http

SHARED = Container(powertools(), timeout_s=BATCH_TIMEOUT_S)
DEPS = cleaning(SHARED)
SETTLING = settling(SHARED)
CHECK = checking_portal(SHARED)
TOKENS = "auth_user_tokens"


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns for each table how many rows were deleted and are left. {"catch_up": true}: faster, at others' expense;
    {"check": true}: its database rights and what the Portal's tables lack, and deletes nothing."""
    if is_http(event):
        raise ValueError("cleanup is not reachable through an API")
    if event.get("check") is True:
        return CHECK()
    limits = CATCH_UP if event.get("catch_up") is True else STEADY
    settled = settle_revocations(context.get_remaining_time_in_millis, SETTLING)
    SHARED.telemetry.count("RevocationUntold", settled.untold)
    SHARED.telemetry.outcome("settle_revocations", untold=settled.untold, marked=settled.marked)
    report = cleanup(context.get_remaining_time_in_millis, DEPS, limits)
    _report(report)
    return {
        "deleted": {name: table.deleted for name, table in report.tables.items()},
        "left": {name: table.debt.rows for name, table in report.tables.items()},
        "complete": report.is_complete,
    }


def _report(report: CleanupReport) -> None:
    telemetry, tables = SHARED.telemetry, report.tables.values()
    telemetry.count("RowsDeleted", sum(table.deleted for table in tables))
    telemetry.count("RowsRefused", sum(table.refused for table in tables))
    telemetry.count("CleanupDebtRows", sum(table.debt.rows for table in tables))
    telemetry.count("CleanupDebtAge", max(table.debt.age_s for table in tables), "Seconds")
    telemetry.count("TokenRowsDeleted", report.tables[TOKENS].deleted)
    telemetry.count("TokenRowsCreated", report.created)
    for name, table in report.tables.items():
        telemetry.outcome(
            "cleanup",
            table=name,
            deleted=table.deleted,
            refused=table.refused,
            left=table.debt.rows,
            oldest_due_s=table.debt.age_s,
            complete=report.is_complete,
        )
