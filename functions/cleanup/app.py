"""Scheduled every few minutes: deletes what ended long enough ago, within its time."""

from typing import Any

from auth_tokens import bootstrap
from auth_tokens.usecases.cleanup import cleanup
from auth_tokens.web.handler import is_http

SHARED = bootstrap.parts(bootstrap.powertools(), timeout_s=bootstrap.BATCH_TIMEOUT_S)
DEPS = bootstrap.cleaning(SHARED)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers how many rows went from each table, and whether none is left."""
    if is_http(event):
        raise ValueError("cleanup is not reachable through an API")
    report = cleanup(context.get_remaining_time_in_millis, DEPS)
    SHARED.telemetry.count("RowsDeleted", sum(report.deleted.values()))
    for table, count in report.deleted.items():
        SHARED.telemetry.outcome("cleanup", table=table, deleted=count, complete=report.is_complete)
    return {"deleted": report.deleted, "complete": report.is_complete}
