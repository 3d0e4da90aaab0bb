"""The inbox: findings of one rule about one subject are one matter."""

from dataclasses import dataclass

from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.analytics.findings import Rule, Severity
from auth_tokens.domain.ids import MAX_UUID


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """findings, first_at, severity (the worst): of those since the group was last closed; newest_id: of the event that
    reports the newest; changed_id: of the event that changed the state last."""

    rule: str
    subject: str
    state: FindingState
    severity: Severity
    findings: int
    first_at: int
    newest_id: bytes
    changed_id: bytes | None

    @property
    def place(self) -> "GroupPlace":
        return GroupPlace(self.severity.rank, self.newest_id)


@dataclass(frozen=True, slots=True)
class GroupPlace:
    """A position in the inbox, whose order is by severity, then the newest first."""

    rank: int
    newest_id: bytes


TOP_OF_INBOX = GroupPlace(255, MAX_UUID)


@dataclass(frozen=True, slots=True)
class GroupSelection:
    """Which groups; None: whatever."""

    state: FindingState = FindingState.OPEN
    rule: Rule | None = None
    severity: Severity | None = None
    user_id: str | None = None
