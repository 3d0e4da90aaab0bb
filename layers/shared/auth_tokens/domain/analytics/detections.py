"""The detection rules. Each reads the events of one hour and the baseline: how many events of a type an hour has.

The bounds were chosen by hand and checked on generated traffic: benchmarks/analytics has precision and recall.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from auth_tokens.domain.analytics.findings import (
    EVERYBODY,
    Finding,
    Rule,
    Severity,
    Subject,
    account_of,
    finding_of,
)
from auth_tokens.domain.events import EventType, RecordedEvent
from auth_tokens.domain.ids import uuid_text

WINDOW_S = 3600

Events = Sequence[RecordedEvent]
Baseline = Mapping[str, float]
K = TypeVar("K", bound=Hashable)

_ENDED = frozenset(
    {
        EventType.SESSION_REVOKED.value,
        EventType.DEVICE_REVOKED.value,
        EventType.USER_REVOKED.value,
        EventType.SESSION_EVICTED.value,
    }
)


def stuffing_from_one_source(events: Events, baseline: Baseline) -> list[Finding]:
    """One network fails on many accounts, whereas an office behind one address fails on some and succeeds on most.
    The networks of one IPv6 site count together as well, with a higher bound. Whoever signed in from there within the
    hour was got into, also before the first failure: the first guess may be right."""
    by_network = _stuffing(events, lambda event: event.source_hash, at_least=10)
    by_site = _stuffing(events, _site_of, at_least=30)
    return by_network + [finding for finding in by_site if finding.sources > 1]


def _stuffing(events: Events, by: Callable[[RecordedEvent], bytes | None], *, at_least: int) -> list[Finding]:
    succeeded = _grouped(_of(events, EventType.LOGIN_SUCCEEDED), by)
    found = []
    for source, failures in _grouped(_of(events, EventType.LOGIN_FAILED), by).items():
        accounts = set(map(account_of, failures))
        users = set(map(account_of, succeeded.get(source, [])))
        if source is None or len(accounts) < at_least or len(accounts) <= 2 * len(users):
            continue
        severity = Severity.HIGH if len(accounts) >= 30 or users else Severity.MEDIUM
        rule, subject = Rule.STUFFING_FROM_ONE_SOURCE, Subject(source.hex(), source=source)
        found.append(finding_of(rule, severity, subject, failures, len(users)))
    return found


def _site_of(event: RecordedEvent) -> bytes | None:
    """What stands for the /48 of an IPv6 caller; None for others."""
    site = event.detail.get("site")
    return bytes.fromhex(site) if isinstance(site, str) else None


def stuffing_from_many_sources(events: Events, baseline: Baseline) -> list[Finding]:
    """Low and slow: many addresses fail on a few accounts each, and each account once or twice. A user who mistypes
    gets in later within the hour: accounts that did are left out. What is left is unusual where it alone is as
    many as all failures of an hour of the baseline."""
    failures = _of(events, EventType.LOGIN_FAILED)
    entered = set(map(account_of, _of(events, EventType.LOGIN_SUCCEEDED)))
    of_account = _grouped(failures, account_of)
    of_source = _grouped(failures, lambda event: event.source_hash)
    quiet = [
        event
        for event in failures
        if account_of(event) not in entered
        and len(of_account[account_of(event)]) <= 3
        and len(set(map(account_of, of_source[event.source_hash]))) <= 5
    ]
    accounts, sources = set(map(account_of, quiet)), {event.source_hash for event in quiet}
    is_unusual = len(quiet) >= baseline.get(EventType.LOGIN_FAILED.value, 0)
    if len(accounts) < 30 or len(sources) < 20 or not is_unusual:
        return []
    severity = Severity.HIGH if len(accounts) >= 100 else Severity.MEDIUM
    return [finding_of(Rule.STUFFING_FROM_MANY_SOURCES, severity, Subject(EVERYBODY), quiet)]


def guessing_one_account(events: Events, baseline: Baseline) -> list[Finding]:
    """Many failures on one account from several addresses, or very many from one. Worse if a sign-in succeeded
    afterwards."""
    entered = _grouped(_of(events, EventType.LOGIN_SUCCEEDED), account_of)
    found = []
    for account, failures in _grouped(_of(events, EventType.LOGIN_FAILED), account_of).items():
        sources = {event.source_hash for event in failures}
        if not (len(failures) >= 10 and len(sources) >= 5) and len(failures) < 30:
            continue
        last = max(event.at for event in failures)
        got_in = any(event.at >= last for event in entered.get(account, []))
        severity = Severity.HIGH if got_in else Severity.MEDIUM
        rule, subject = Rule.GUESSING_ONE_ACCOUNT, Subject(account, failures[0].user_id)
        found.append(finding_of(rule, severity, subject, failures, int(got_in)))
    return found


def reuse_spike(events: Events, baseline: Baseline) -> list[Finding]:
    """Far more spent tokens come back than in the baseline: tokens were stolen, or a release of a client is faulty."""
    reuses = _of(events, EventType.TOKEN_REUSE_DETECTED)
    if len(reuses) < max(5, 5 * baseline.get(EventType.TOKEN_REUSE_DETECTED.value, 0)):
        return []
    severity = Severity.HIGH if len(reuses) >= 20 else Severity.MEDIUM
    return [finding_of(Rule.REUSE_SPIKE, severity, Subject(EVERYBODY), reuses)]


def far_apart(events: Events, baseline: Baseline) -> list[Finding]:
    """Impossible travel of one session: worse across an ocean, or more than once."""
    found = []
    for session_id, moves in _grouped(
        _of(events, EventType.SESSION_MOVED), lambda event: event.session_id
    ).items():
        is_bad = len(moves) > 1 or any(int(move.detail.get("km", 0)) >= 3000 for move in moves)
        severity = Severity.HIGH if is_bad else Severity.MEDIUM
        found.append(finding_of(Rule.FAR_APART, severity, _session(session_id, moves), moves))
    return found


def device_burst(events: Events, baseline: Baseline) -> list[Finding]:
    """One user signs in on many new devices."""
    found = []
    for user_id, devices in _grouped(_of(events, EventType.NEW_DEVICE), account_of).items():
        if len(devices) >= 5:
            severity = Severity.HIGH if len(devices) >= 15 else Severity.MEDIUM
            found.append(finding_of(Rule.DEVICE_BURST, severity, Subject(user_id, user_id), devices))
    return found


def revocation_storm(events: Events, baseline: Baseline) -> list[Finding]:
    """Far more sessions end than in the baseline, of one user or of all: an attack, a panic, or a faulty script."""
    ends = [event for event in events if event.type in _ENDED]
    found = []
    for user_id, of_user in _grouped(ends, account_of).items():
        if user_id and len(of_user) >= 10:
            rule, severity = Rule.REVOCATION_STORM, Severity.MEDIUM
            found.append(finding_of(rule, severity, Subject(user_id, user_id), of_user))
    usually = sum(baseline.get(kind, 0) for kind in _ENDED)
    if len(ends) >= max(50, 5 * usually) and len(set(map(account_of, ends))) >= 10:
        severity = Severity.HIGH if len(ends) >= 200 else Severity.MEDIUM
        found.append(finding_of(Rule.REVOCATION_STORM, severity, Subject(EVERYBODY), ends))
    return found


def refresh_burst(events: Events, baseline: Baseline) -> list[Finding]:
    """A session refreshes far above its client's usual rate: a loop in the client, or somebody harvesting tokens."""
    found = []
    for session_id, bursts in _grouped(
        _of(events, EventType.REFRESH_BURST), lambda event: event.session_id
    ).items():
        severity = (
            Severity.HIGH if len(bursts) >= 10 else Severity.MEDIUM if len(bursts) >= 3 else Severity.LOW
        )
        found.append(finding_of(Rule.REFRESH_BURST, severity, _session(session_id, bursts), bursts))
    return found


def _session(session_id: bytes | None, events: Events) -> Subject:
    return Subject(uuid_text(session_id) if session_id else "", events[0].user_id, session_id)


RULES: tuple[Callable[[Events, Baseline], list[Finding]], ...] = (
    stuffing_from_one_source,
    stuffing_from_many_sources,
    guessing_one_account,
    reuse_spike,
    far_apart,
    device_burst,
    revocation_storm,
    refresh_burst,
)


def read_since(finding: RecordedEvent) -> int:
    """Since when the rules had read the events that a finding counts. finding: the event that reports it."""
    return finding.at - WINDOW_S


def findings_in(events: Events, baseline: Baseline) -> list[Finding]:
    """What all rules find. events: of the last WINDOW_S; baseline: events of each type in an hour, on average."""
    return [finding for rule in RULES for finding in rule(events, baseline)]


def _of(events: Events, kind: EventType) -> list[RecordedEvent]:
    return [event for event in events if event.type == kind.value]


def _grouped(
    events: Iterable[RecordedEvent], by: Callable[[RecordedEvent], K]
) -> dict[K, list[RecordedEvent]]:
    groups: dict[K, list[RecordedEvent]] = defaultdict(list)
    for event in events:
        groups[by(event)].append(event)
    return groups
