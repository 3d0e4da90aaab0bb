"""What happened, as clients and fault injection note it while it does. Instants are epoch seconds of this machine."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from tests.soak.service import Answer


@dataclass(frozen=True, slots=True)
class Try:
    """A request for a token that settled nothing. is_ours_unavailable: it was the service's own 503."""

    sent_at: float
    is_ours_unavailable: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A token that its honest owner showed, and that was refused. tries: of the same token before, unsettled."""

    what: str
    user_id: str
    session_id: str
    has_key: bool
    tries: tuple[Try, ...]
    answered_at: float


@dataclass(frozen=True, slots=True)
class LetIn:
    """A session that was ended at `ended_at` (when the end was answered), and let in. where: own, api, or refresh."""

    where: str
    ended_at: float
    sent_at: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class Denied:
    """A live session that was not let in, by the answer to this request."""

    where: str
    sent_at: float
    request_id: str


@dataclass(frozen=True, slots=True)
class Theft:
    """What a thief got for the copy of a spent token, and whether its owner's session ended."""

    user_id: str
    is_let_in: bool
    is_ended: bool


@dataclass(frozen=True, slots=True)
class Final:
    """A session that its client still holds at the end."""

    session_id: str
    steps: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A request that went unanswered for as long as its client waits."""

    user_id: str
    what: str
    sent_at: float


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which something was struck. database: sessions could not be read, or a commit's answer got lost;
    set_back_s: how far functions' clocks were set back."""

    what: str
    began_at: float
    ended_at: float
    database: bool = False
    set_back_s: float = 0

    def touches(self, since: float, until: float) -> bool:
        return self.began_at <= until and since <= self.ended_at


@dataclass(slots=True)
class Ledger:
    """Filled by many threads."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    successors: dict[str, set[str]] = field(default_factory=dict)
    longest_wait_s: dict[str, float] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    let_in: list[LetIn] = field(default_factory=list)
    ends: int = 0
    denied: list[Denied] = field(default_factory=list)
    thefts: list[Theft] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    given_up: list[GivenUp] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    surprises: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, what: str, answer: Answer) -> None:
        with self._lock:
            self.answers[what, answer.kind] += 1

    def spend(self, what: str, shown: str, successor: str) -> None:
        """A token was spent for this one; each answer says so, of which there may be several."""
        with self._lock:
            self.successors.setdefault(shown, set()).add(successor)

    def settled(self, what: str, waited_s: float) -> None:
        """What was asked for was had, after all tries."""
        with self._lock:
            self.spent[what] += 1
            self.longest_wait_s[what] = max(waited_s, self.longest_wait_s.get(what, 0))

    def note(self, fact: Refused | LetIn | Denied | Theft | Final | GivenUp | Outage) -> None:
        with self._lock:
            match fact:
                case Refused():
                    self.refused.append(fact)
                case LetIn():
                    self.let_in.append(fact)
                case Denied():
                    self.denied.append(fact)
                case Theft():
                    self.thefts.append(fact)
                case Final():
                    self.finals.append(fact)
                case GivenUp():
                    self.given_up.append(fact)
                case Outage():
                    self.outages.append(fact)

    def ended(self) -> None:
        with self._lock:
            self.ends += 1

    def surprise(self, text: str) -> None:
        """An answer that no honest client should get."""
        with self._lock:
            self.surprises[text] += 1
