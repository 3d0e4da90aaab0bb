"""Findings of the detection rules: their subject, severity and evidence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from auth_tokens.domain.analytics.hours import hour_of
from auth_tokens.domain.events import EventType, RecordedEvent, SecurityEvent
from auth_tokens.domain.ids import uuid_text

# Ids of events that a finding names; the filters of the list of events find the rest.
MAX_EVIDENCE = 5
EVERYBODY = "all"


class Rule(Enum):
    """The value is the member `rule` of a finding."""

    STUFFING_FROM_ONE_SOURCE = "stuffing_from_one_source"
    STUFFING_FROM_MANY_SOURCES = "stuffing_from_many_sources"
    GUESSING_ONE_ACCOUNT = "guessing_one_account"
    REUSE_SPIKE = "reuse_spike"
    FAR_APART = "far_apart"
    DEVICE_BURST = "device_burst"
    REVOCATION_STORM = "revocation_storm"
    REFRESH_BURST = "refresh_burst"


# The type of event that shows what each rule found; None: of several types.
EVIDENCE_TYPES: Mapping[str, EventType | None] = {
    Rule.STUFFING_FROM_ONE_SOURCE.value: EventType.LOGIN_FAILED,
    Rule.STUFFING_FROM_MANY_SOURCES.value: EventType.LOGIN_FAILED,
    Rule.GUESSING_ONE_ACCOUNT.value: EventType.LOGIN_FAILED,
    Rule.REUSE_SPIKE.value: EventType.TOKEN_REUSE_DETECTED,
    Rule.FAR_APART.value: EventType.SESSION_MOVED,
    Rule.DEVICE_BURST.value: EventType.NEW_DEVICE,
    Rule.REVOCATION_STORM.value: None,
    Rule.REFRESH_BURST.value: EventType.REFRESH_BURST,
}


class Severity(Enum):
    """high: look now; medium: look today; low: worth knowing."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """From 1, the mildest."""
        return RANKED.index(self) + 1


RANKED = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """subject: a user's id, a session's, an account's or a source's keyed hash, or EVERYBODY; user_id, session_id,
    source: where they are known; last_at: of its newest event; entered: into how many accounts somebody got, None where
    the rule cannot tell."""

    rule: Rule
    severity: Severity
    subject: str
    events: int
    accounts: int
    sources: int
    first_at: int
    last_at: int
    evidence: tuple[bytes, ...]
    user_id: str | None = None
    session_id: bytes | None = None
    source: bytes | None = None
    entered: int | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """A rule and its subject are reported once an hour, and once more where it becomes worse."""
        return (self.rule.value, self.subject, hour_of(self.last_at))

    def as_event(self, now: int) -> SecurityEvent:
        return SecurityEvent(
            EventType.FINDING,
            now,
            self.user_id,
            self.session_id,
            source_hash=self.source,
            detail={
                "rule": self.rule.value,
                "severity": self.severity.value,
                "subject": self.subject,
                "events": self.events,
                "accounts": self.accounts,
                "sources": self.sources,
                "first_at": self.first_at,
                "last_at": self.last_at,
                "evidence": " ".join(uuid_text(event_id) for event_id in self.evidence),
                **({} if self.entered is None else {"entered": self.entered}),
            },
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """What a finding is about: a text for people, and the ids that are known. source: a caller's address, hashed."""

    text: str
    user_id: str | None = None
    session_id: bytes | None = None
    source: bytes | None = None


def finding_of(
    rule: Rule,
    severity: Severity,
    subject: Subject,
    events: Sequence[RecordedEvent],
    entered: int | None = None,
) -> Finding:
    """A finding with the figures of its events."""
    instants = [event.at for event in events]
    newest = sorted(events, key=lambda event: event.id)[-MAX_EVIDENCE:]
    return Finding(
        rule=rule,
        severity=severity,
        subject=subject.text,
        events=len(events),
        accounts=len({account_of(event) for event in events}),
        sources=len({event.source_hash for event in events}),
        first_at=min(instants),
        last_at=max(instants),
        evidence=tuple(event.id for event in newest),
        user_id=subject.user_id,
        session_id=subject.session_id,
        source=subject.source,
        entered=entered,
    )


def account_of(event: RecordedEvent) -> str:
    """Whose event it is: the user's id, or what stands for a name that nobody has."""
    return event.user_id or str(event.detail.get("account", ""))


def unreported(found: Collection[Finding], reported: Collection[RecordedEvent]) -> list[Finding]:
    """The findings that no event has reported yet, or none as bad: of a lower severity, or before anybody got in."""
    worst: dict[tuple[str, str, int], tuple[int, bool]] = {}
    for event in reported:
        key, (rank, has_entered) = _key_of(event), _grade_of(event)
        known_rank, has_known = worst.get(key, (0, False))
        worst[key] = (max(rank, known_rank), has_entered or has_known)
    return [finding for finding in found if _is_worse(finding, *worst.get(finding.key, (0, False)))]


def _is_worse(finding: Finding, rank: int, has_entered: bool) -> bool:
    return finding.severity.rank > rank or (bool(finding.entered) and not has_entered)


def _key_of(event: RecordedEvent) -> tuple[str, str, int]:
    """Finding.key of the finding that an event reports."""
    detail = event.detail
    return (str(detail.get("rule")), str(detail.get("subject")), hour_of(int(detail.get("last_at", 0))))


def _grade_of(event: RecordedEvent) -> tuple[int, bool]:
    """How bad it was reported to be: the rank of its severity, and whether somebody got in."""
    severity = event.detail.get("severity")
    rank = next((each.rank for each in Severity if each.value == severity), 0)
    return rank, bool(event.detail.get("entered"))
