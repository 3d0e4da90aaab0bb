"""Security events and figures for operators.

Scheduled: keeps the figures, looks for attacks, and sends events to their bus.
"""

from collections.abc import Callable
from typing import Any

from auth_tokens.bootstrap.analysing import analysing
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.counting_unclaimed import counting_unclaimed
from auth_tokens.bootstrap.keeping_up import judging_findings, keeping_up
from auth_tokens.bootstrap.listing_events import listing_events
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.portal import user_ids
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.summarising import summarising
from auth_tokens.domain.analytics.findings import Severity
from auth_tokens.time_left import timed
from auth_tokens.usecases.analytics.analyse import analyse
from auth_tokens.web.event_routes import get_events, get_summary
from auth_tokens.web.finding_routes import get_findings, get_one_finding, post_finding_state
from auth_tokens.web.handler import http_handler, is_http
from auth_tokens.web.rate_limits import limited_by_principal
from auth_tokens.web.upkeep_routes import get_debt, post_recount, post_replay, post_skip

SHARED = Container(powertools())
EVENTS = listing_events(SHARED)
FIGURES = summarising(SHARED)
USER_IDS = user_ids(SHARED)
SCHEDULED = analysing(SHARED)
UNCLAIMED = counting_unclaimed(SHARED)
FINDINGS = judging_findings(SHARED)
UPKEEP = keeping_up(SHARED)
LIMITER = memory_limiter(SHARED)
CHANGE_STATE = post_finding_state(FINDINGS)
ONE_FINDING = get_one_finding(FINDINGS, SHARED.settings.runbook_url)


http = http_handler(
    {
        "GET /admin/security/events": limited_by_principal(get_events(EVENTS, USER_IDS), LIMITER),
        "GET /admin/security/summary": limited_by_principal(get_summary(FIGURES), LIMITER),
        "GET /admin/security/findings": limited_by_principal(get_findings(FINDINGS, USER_IDS), LIMITER),
        "GET /admin/security/findings/{finding_id}": limited_by_principal(ONE_FINDING, LIMITER),
        "POST /admin/security/findings/{finding_id}/state": limited_by_principal(CHANGE_STATE, LIMITER),
        "POST /admin/security/events/replay": limited_by_principal(post_replay(UPKEEP), LIMITER),
        "POST /admin/security/events/{event_id}/skip": limited_by_principal(post_skip(UPKEEP), LIMITER),
        "POST /admin/security/figures/recount": limited_by_principal(post_recount(UPKEEP), LIMITER),
        "GET /admin/debt": limited_by_principal(get_debt(UPKEEP), LIMITER),
    },
    SHARED.telemetry,
    SHARED.settings.allowed_origins,
    SHARED.settings.edge(),
)


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP event, or the schedule's."""
    if is_http(event):
        return http(event, context)
    return _run(context.get_remaining_time_in_millis)


def _run(remaining_ms: Callable[[], int]) -> dict[str, Any]:
    report = analyse(remaining_ms, SCHEDULED)
    if report is None:
        SHARED.telemetry.outcome("analyse", ran=False)
        return {"ran": False}
    sent = report.publication
    SHARED.telemetry.count("EventsPublished", sent.published)
    SHARED.telemetry.count("EventsRefused", sent.refused)
    SHARED.telemetry.count("EventBusDown", int(sent.is_bus_down))
    SHARED.telemetry.count("OutboxLag", sent.lag_s, "Seconds")
    SHARED.telemetry.count("DetectionPartial", int(report.detection.is_partial))
    unclaimed = UNCLAIMED(remaining_ms)
    if unclaimed is not None:
        SHARED.telemetry.count("LegacyUnclaimed", unclaimed)
    for finding in report.detection.findings:
        if finding.severity is Severity.HIGH:
            SHARED.telemetry.count("FindingHigh")
        SHARED.telemetry.outcome("finding", rule=finding.rule.value, severity=finding.severity.value)
    result = {
        "ran": True,
        "hours": report.hours,
        "findings": len(report.detection.findings),
        "published": sent.published,
        "refused": sent.refused,
    }
    SHARED.telemetry.outcome("analyse", **result, lag_s=sent.lag_s)
    return result
