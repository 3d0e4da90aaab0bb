"""What the ledger and the tables say of the service: figures, and whether it kept what it promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.soak.ledger import Ledger, LetIn, Outage, Refused

# A commit is caught by an outage that begins while it is under way: a statement is waited for this long.
_PATIENCE_S = 3
# An authorizer that could not look tries again after a second, by whole seconds.
_RETRY_S = 2


@dataclass(frozen=True, slots=True)
class Promise:
    """What the README promises, in seconds. clock_spread_s: how far apart two functions' clocks are at most."""

    retry_window_s: float = 10
    staleness_s: float = 5
    fail_after_s: float = 60
    clock_spread_s: float = 4


@dataclass(frozen=True, slots=True)
class Stored:
    """What the tables hold at the end. reuse_events: token_reuse_detected, by user; rotated_at: when tokens were
    spent last, by session, and of devices by user; generations: by session; doubled_devices: devices that have more
    than one live session; blind: the requests of which an authorizer could not know, and so let them in not;
    alarmed: the sessions of the events, by user."""

    reuse_events: Mapping[str, int] = field(default_factory=dict)
    rotated_at: Mapping[str, Sequence[float]] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)
    doubled_devices: int = 0
    blind: Collection[str] = ()
    alarmed: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a run. The first group must be 0; what is under `late_without_key` ended, and what
    is under `blind` was refused, as the documents say it may be."""

    lost: int
    forks: int
    false_alarms: int
    missed_revocations: int
    missed_thieves: int
    denied: int
    server_errors: int
    unexplained_failures: int
    starved: int
    surprises: Mapping[str, int]
    late_without_key: int
    blind: int
    refreshes: int
    exchanges: int
    sign_ins: int
    calls: int
    ends: int
    thefts: int
    unanswered: Mapping[str, int]
    longest_wait_s: Mapping[str, float]
    faults: Mapping[str, int]
    evidence: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        return not any(count for _, count in self.must_be_none)

    @property
    def must_be_none(self) -> list[tuple[str, int]]:
        return [
            ("sessions lost", self.lost),
            ("forks", self.forks),
            ("false alarms", self.false_alarms),
            ("missed revocations", self.missed_revocations),
            ("missed thieves", self.missed_thieves),
            ("live sessions not let in", self.denied),
            ("500s of the service", self.server_errors),
            ("functions that failed and were not struck", self.unexplained_failures),
            ("other answers that no honest client should get", sum(self.surprises.values())),
        ]

    def markdown(self) -> str:
        """A table of all."""
        waits = (
            (f"longest wait for {what}", f"{waited_s:.1f} s")
            for what, waited_s in sorted(self.longest_wait_s.items())
        )
        rows = [
            ("refreshes", self.refreshes),
            ("token exchanges", self.exchanges),
            ("sign-ins", self.sign_ins),
            ("calls", self.calls),
            ("sessions ended on purpose", self.ends),
            ("thefts", self.thefts),
            *((f"**{name}**", count) for name, count in self.must_be_none),
            *((f"- {text}", count) for text, count in sorted(self.surprises.items())),
            ("ended late without a key, as documented", self.late_without_key),
            ("functions that had too little of a processor", self.starved),
            ("answers: 403, as the authorizer could not look", self.blind),
            *((f"answers: {kind}", count) for kind, count in sorted(self.unanswered.items())),
            *waits,
            *((f"fault: {what}", count) for what, count in sorted(self.faults.items())),
        ]
        return "\n".join(("| Figure | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)))


def evaluate(
    ledger: Ledger,
    stored: Stored,
    promise: Promise,
    *,
    server_errors: int = 0,
    failures: int = 0,
    starved: int = 0,
) -> Figures:
    """server_errors: 500s that the functions' own metrics counted; failures: of functions that nothing had struck;
    starved: of functions that had too little of a processor."""
    outages = ledger.outages
    late = [each for each in ledger.refused if is_late(each, stored, outages, promise)]
    lost = [each for each in ledger.refused if each not in late]
    missed = [each for each in ledger.let_in if is_missed(each, outages, promise)]
    denied = [each for each in ledger.denied if each.where != "api" or each.request_id not in stored.blind]
    own = ledger.answers
    return Figures(
        lost=len(lost),
        forks=_forks(ledger, stored),
        false_alarms=_false_alarms(ledger, late, stored).total(),
        missed_revocations=len(missed),
        missed_thieves=_missed_thieves(ledger, stored),
        denied=len(denied),
        server_errors=max(server_errors, _count(own, lambda what, kind: kind == "500 server_error")),
        unexplained_failures=failures,
        starved=starved,
        surprises=dict(ledger.surprises),
        late_without_key=len(late),
        blind=len(ledger.denied) - len(denied),
        refreshes=ledger.spent["refresh"],
        exchanges=ledger.spent["exchange"],
        sign_ins=ledger.spent["sign-in"],
        calls=_count(own, lambda what, kind: what in ("own", "api")),
        ends=ledger.ends,
        thefts=len(ledger.thefts),
        unanswered=_unanswered(own),
        longest_wait_s=dict(ledger.longest_wait_s),
        faults=Counter(outage.what for outage in outages),
        evidence=tuple(str(each) for each in (*lost, *missed, *denied, *_about(ledger, lost, late, stored))),
    )


def is_late(refused: Refused, stored: Stored, outages: Sequence[Outage], promise: Promise) -> bool:
    """Was the token refused to a client that has no key, and came when the retry window may have been over?

    The window opens when the token is spent. A request that went unanswered may have spent it; one that got the
    service's own 503 has not, but where its commit was caught by an outage (ADR 0028).
    """
    if refused.has_key:
        return False
    spent_at = stored.rotated_at.get(refused.session_id or refused.user_id, ())
    caught = any(_is_caught(at, outages, promise) for at in spent_at)
    spending = [each.sent_at for each in refused.tries if caught or not each.is_ours_unavailable]
    window_s = promise.retry_window_s - promise.clock_spread_s
    return bool(spending) and refused.answered_at - min(spending) >= window_s


def is_missed(let_in: LetIn, outages: Sequence[Outage], promise: Promise) -> bool:
    """Was an ended session let in later than promised? At once on the service's own routes; at other APIs after the
    stated delay, longer only while the authorizer cannot look (ADR 0005, 0006)."""
    if let_in.where != "api":
        return True
    set_back_s = max(
        (
            outage.set_back_s
            for outage in outages
            if outage.touches(let_in.sent_at - 3 * promise.staleness_s, let_in.answered_at)
        ),
        default=0,
    )
    delay_s = let_in.sent_at - let_in.ended_at
    if delay_s <= promise.staleness_s + set_back_s:
        return False
    is_blind = _touched((o for o in outages if o.database), let_in.sent_at - _RETRY_S, let_in.answered_at)
    return not (is_blind and delay_s <= promise.fail_after_s)


def _is_caught(rotated_at: float, outages: Iterable[Outage], promise: Promise) -> bool:
    """Did an outage begin while this rotation may have been under way?"""
    return any(
        outage.database
        and rotated_at - promise.clock_spread_s
        <= outage.began_at
        <= rotated_at + promise.clock_spread_s + _PATIENCE_S
        for outage in outages
    )


def _about(
    ledger: Ledger, lost: Sequence[Refused], late: Collection[Refused], stored: Stored
) -> list[object]:
    """Alarms that are false, and the last requests that went unanswered to those whom it concerns."""
    alarmed = _false_alarms(ledger, late, stored)
    users = {each.user_id for each in lost} | set(alarmed)
    alarms = [f"alarm of {user_id}: {stored.alarmed.get(user_id, ())}" for user_id in alarmed]
    return [*alarms, *[each for each in ledger.given_up if each.user_id in users][-20:]]


def _touched(outages: Iterable[Outage], since: float, until: float) -> bool:
    return any(outage.touches(since, until) for outage in outages)


def _forks(ledger: Ledger, stored: Stored) -> int:
    """Tokens that were spent for two different ones, sessions that went on without their client, and devices that
    have two sessions."""
    doubled = sum(len(successors) > 1 for successors in ledger.successors.values())
    strange = sum(
        stored.generations.get(final.session_id, final.steps) != final.steps for final in ledger.finals
    )
    return doubled + strange + stored.doubled_devices


def _false_alarms(ledger: Ledger, late: Collection[Refused], stored: Stored) -> Counter[str]:
    """By user: more alarms than thefts and late clients."""
    expected = Counter(each.user_id for each in late) + Counter(theft.user_id for theft in ledger.thefts)
    return Counter(stored.reuse_events) - expected


def _missed_thieves(ledger: Ledger, stored: Stored) -> int:
    """Thieves who were let in or whose victim's session lives, and thefts that no event tells of."""
    missed = [theft for theft in ledger.thefts if theft.is_let_in or not theft.is_ended]
    caught = Counter(theft.user_id for theft in ledger.thefts if not theft.is_let_in and theft.is_ended)
    return len(missed) + (caught - Counter(stored.reuse_events)).total()


def _unanswered(answers: Counter[tuple[str, str]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (_, kind), count in answers.items():
        if kind[0] == "5" or kind == "no answer" or kind.startswith("429"):
            found[kind] += count
    return dict(found)


def _count(answers: Counter[tuple[str, str]], is_meant: Callable[[str, str], bool]) -> int:
    return sum(count for (what, kind), count in answers.items() if is_meant(what, kind))
