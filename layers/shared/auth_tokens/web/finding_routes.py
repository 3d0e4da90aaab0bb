"""Findings for operators: a list, one with its evidence, and what has become of it."""

from typing import Any

from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.findings import (
    FindingsDeps,
    FindingView,
    change_finding,
    get_finding,
    list_findings,
)
from auth_tokens.usecases.inbox import GroupView, InboxDeps, list_inbox
from auth_tokens.usecases.list_events import chosen
from auth_tokens.web.handler import Route
from auth_tokens.web.query_parameters import finding_filter, inbox_filter
from auth_tokens.web.reasons import MAX_REASON
from auth_tokens.web.request_body import parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response

_MEMBERS = (
    "rule",
    "severity",
    "subject",
    "events",
    "accounts",
    "sources",
    "entered",
    "first_at",
    "last_at",
)


def get_findings(deps: FindingsDeps, ids: IdForm) -> Route:
    """GET /admin/security/findings."""

    def route(request: Request) -> Response:
        page = list_findings(finding_filter(request, ids), deps)
        body = {"findings": [finding_view(finding) for finding in page.findings]}
        return Response(body={**body, "next_cursor": page.next_cursor})

    return route


def get_inbox(deps: InboxDeps, ids: IdForm, runbook: str) -> Route:
    """GET /console/inbox. runbook: the address of its folder, or empty."""

    def route(request: Request) -> Response:
        page = list_inbox(inbox_filter(request, ids), deps)
        body = {
            "groups": [_group_view(view, runbook) for view in page.groups],
            "counts": {state.value: count for state, count in page.counts.items()},
            "next_cursor": page.next_cursor,
        }
        return Response(body=body)

    return route


def get_one_finding(deps: FindingsDeps, runbook: str) -> Route:
    """GET /admin/security/findings/{finding_id}. runbook: as of get_inbox."""

    def route(request: Request) -> Response:
        found = get_finding(request.path_parameters["finding_id"], deps)
        body = {
            "finding": finding_view(found.finding),
            "history": [_change_view(change) for change in found.finding.changes],
            "evidence": [event.public_view() for event in found.evidence],
            "search": found.search,
            "runbook_url": _section(runbook, found.finding.event.detail.get("rule")),
        }
        return Response(body=body)

    return route


def post_finding_state(deps: FindingsDeps) -> Route:
    """POST /admin/security/findings/{finding_id}/state."""

    def route(request: Request) -> Response:
        parameters, finding_id = parse_body(request), request.path_parameters["finding_id"]
        state = chosen(FindingState, "state", parameters.text("state"))
        if state is None:
            raise InvalidRequest(f"state is missing: {', '.join(each.value for each in FindingState)}.")
        note = parameters.text("note", MAX_REASON) or ""
        changed = change_finding(finding_id, state, note, request.caller, deps)
        return Response(body=finding_view(changed), about={"finding_id": finding_id.lower()})

    return route


def finding_view(finding: FindingView) -> dict[str, Any]:
    """A finding with its state. Members of a detail that cannot be decrypted are null."""
    event, last = finding.event, finding.changes[0] if finding.changes else None
    return {
        "id": uuid_text(event.id),
        "at": event.at,
        **{name: event.detail.get(name) for name in _MEMBERS},
        "user_id": event.user_id,
        "session_id": uuid_text(event.session_id) if event.session_id else None,
        "source": event.source_hash.hex() if event.source_hash else None,
        "state": finding.state.value,
        "changed_at": last.at if last else None,
        "changed_by": last.detail.get("actor") if last else None,
        "note": last.detail.get("note") if last else None,
    }


def _section(runbook: str, rule: object) -> str | None:
    """Where the first steps of a rule are; None without a runbook, and where the rule is not known any more."""
    return f"{runbook}/findings.md#{rule}" if runbook and rule else None


def _group_view(view: GroupView, runbook: str) -> dict[str, Any]:
    group, newest = view.group, view.newest
    return {
        "rule": group.rule,
        "subject": group.subject,
        "state": group.state.value,
        "severity": group.severity.value,
        "findings": group.findings,
        "first_at": group.first_at,
        "newest": finding_view(newest) if newest else None,
        "newest_id": uuid_text(group.newest_id),
        "runbook_url": _section(runbook, group.rule),
    }


def _change_view(change: RecordedEvent) -> dict[str, Any]:
    detail = change.detail
    return {
        "state": detail.get("state"),
        "at": change.at,
        "by": detail.get("actor"),
        "note": detail.get("note"),
    }
