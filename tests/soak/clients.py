"""Honest clients, as docs/how-to/clients.md asks them to be, and thieves.

An honest client keeps what it was given before it uses it, repeats what went unanswered with the same token and the
same Idempotency-Key, waits as long as it is told to, and ends its session only by ending it.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from tests.soak.ledger import Denied, Final, GivenUp, Ledger, LetIn, Refused, Theft, Try
from tests.soak.service import Answer, Held, Mode, Person, Service, holding

# A service that is whole answers by then.
GIVE_UP_S = 120.0
Ask = Callable[[], Answer]


class Time(Protocol):
    """now: epoch seconds."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Traits:
    """What a client is like. is_patient: comes back from a 503 only when the retry window is long over; has_tabs: two
    tabs refresh at once now and then; refresh_s, pause_s: about how long between refreshes, and between acts."""

    mode: Mode = Mode.BEARER
    has_key: bool = True
    has_device: bool = False
    has_tabs: bool = False
    is_patient: bool = False
    refresh_s: float = 4
    pause_s: float = 1


class HonestClient:
    """One user's client."""

    def __init__(
        self,
        person: Person,
        traits: Traits,
        service: Service,
        ledger: Ledger,
        chance: random.Random,
        time: Time,
    ) -> None:
        self._person = person
        self._traits = traits
        self._service = service
        self._ledger = ledger
        self._chance = chance
        self._time = time
        self._held: Held | None = None
        self._device_token = ""
        self._refresh_at = 0.0

    def run(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            self.turn()
        self.finish()

    def turn(self) -> None:
        """One act, and a pause."""
        if self._held is None:
            self._enter()
        elif self._time.now() >= self._refresh_at and self._service.is_quiet():
            self._refresh(self._held)
        elif self._chance.random() < 0.02:
            self._end(self._held)
        else:
            self._call(self._held)
        self._time.sleep(self._chance.uniform(0.5, 1.5) * self._traits.pause_s)

    def finish(self) -> None:
        """The last look: what is held is good."""
        held = self._held
        if held is None:
            return
        self._rest()
        self._refresh(held)
        if self._held is not None:
            self._call(self._held)
            self._ledger.note(Final(self._held.session_id, self._held.steps))

    def _enter(self) -> None:
        if self._device_token:
            self._exchange()
            return
        traits = self._traits
        answer = self._until_settled(
            "sign-in", lambda: self._service.sign_in(self._person, traits.mode, remember=traits.has_device)
        )
        if answer is None or answer.status != 200:
            self._surprise("sign-in", answer)
            return
        self._device_token = answer.body.get("device_token", "")
        self._hold(holding(answer, traits.mode))

    def _exchange(self) -> None:
        self._rest()
        shown, mode = self._device_token, self._traits.mode
        key = self._new_key()
        answer = self._spend("exchange", "", shown, [lambda: self._service.exchange(shown, mode, key)])
        self._device_token = ""
        if answer is not None:
            self._device_token = answer.body["device_token"]
            self._hold(holding(answer, mode))

    def _refresh(self, held: Held) -> None:
        key = self._new_key()

        def ask() -> Answer:
            return self._service.refresh(held, key)

        tabs = 2 if self._traits.has_tabs and self._chance.random() < 0.5 else 1
        answer = self._spend("refresh", held.session_id, held.token, [ask] * tabs)
        self._held = None
        if answer is not None:
            self._hold(holding(answer, held.mode, held.steps + 1))

    def _hold(self, held: Held) -> None:
        self._held = held
        self._refresh_at = self._time.now() + self._chance.uniform(0.5, 1.5) * self._traits.refresh_s

    def _spend(self, what: str, session_id: str, shown: str, asks: Sequence[Ask]) -> Answer | None:
        """A token for its successor, however often it takes; None: refused, or given up."""
        began = self._time.now()
        tries: list[Try] = []
        while self._time.now() < began + GIVE_UP_S:
            sent_at = self._time.now()
            answers = _together(asks)
            for answer in answers:
                self._ledger.answered(what, answer)
                if answer.status == 200:
                    self._ledger.spend(what, shown, _successor(what, answer))
                elif answer.is_refusal:
                    self._refused(what, session_id, tries, answer)
                else:
                    tries.append(Try(sent_at, answer.is_ours_unavailable))
                    self._note_unanswered(answer, what, sent_at)
            good = next((answer for answer in answers if answer.status == 200), None)
            if good is not None:
                self._ledger.settled(what, self._time.now() - began)
                return good
            if any(answer.is_refusal for answer in answers):
                return None
            self._wait(answers[0], len(tries))
        self._ledger.surprise(f"{what}: no answer in {GIVE_UP_S:.0f} s")
        return None

    def _refused(self, what: str, session_id: str, tries: list[Try], answer: Answer) -> None:
        if answer.body.get("error") not in ("invalid_grant", "invalid_token"):
            self._surprise(what, answer)
            return
        has_key, now = self._traits.has_key, self._time.now()
        self._ledger.note(Refused(what, self._person.id, session_id, has_key, tuple(tries), now))

    def _until_settled(self, what: str, ask: Ask) -> Answer | None:
        """The answer to what may be asked again; None: given up."""
        began = self._time.now()
        tries = 0
        while self._time.now() < began + GIVE_UP_S:
            sent_at = self._time.now()
            answer = ask()
            self._ledger.answered(what, answer)
            if answer.status in (200, 204) or answer.is_refusal:
                self._ledger.settled(what, self._time.now() - began)
                return answer
            self._note_unanswered(answer, what, sent_at)
            tries += 1
            self._wait(answer, tries)
        return None

    def _call(self, held: Held) -> None:
        where, ask = self._chance.choice((("own", self._service.call_own), ("api", self._service.call_api)))
        sent_at = self._time.now()
        answer = ask(held)
        self._ledger.answered(where, answer)
        self._note_unanswered(answer, where, sent_at)
        if answer.is_refusal:
            self._ledger.note(Denied(where, sent_at, answer.request_id))

    def _end(self, held: Held) -> None:
        """Ends the session on purpose, and sees that it is over."""
        how: tuple[str, Ask] = self._chance.choice(
            (
                ("sign-out", lambda: self._service.sign_out(held)),
                ("revoke", lambda: self._service.revoke(held.token)),
                ("revoke all", lambda: self._service.revoke_all(self._person)),
            )
        )
        answer = self._until_settled(*how)
        if answer is None or answer.is_refusal:
            self._surprise(how[0], answer)
            return
        ended_at = self._time.now()
        self._held = None
        if how[0] == "revoke all":
            self._device_token = ""
        self._ledger.ended()
        self._try_door("own", ended_at, lambda: self._service.call_own(held))
        self._try_door("refresh", ended_at, lambda: self._service.refresh(held, None))
        self._rest()
        for _ in range(3):
            self._time.sleep(self._chance.uniform(0.0, 1.5))
            self._time.sleep(max(0.0, ended_at + 5.01 - self._time.now()))
            self._try_door("api", ended_at, lambda: self._service.call_api(held))

    def _try_door(self, where: str, ended_at: float, ask: Ask) -> None:
        sent_at = self._time.now()
        answer = ask()
        self._ledger.answered(f"{where}, ended", answer)
        self._note_unanswered(answer, where, sent_at)
        if answer.status == 200:
            self._ledger.note(LetIn(where, ended_at, sent_at, self._time.now()))

    def _note_unanswered(self, answer: Answer, what: str, sent_at: float) -> None:
        if answer.status == 0:
            self._ledger.note(GivenUp(self._person.id, what, sent_at))

    def _rest(self) -> None:
        """Until no request that was given up is under way: whoever spends a second token meanwhile shows one two
        generations back, which is always theft. In real life the lifetime of an access token sees to that."""
        while not self._service.is_quiet():
            self._time.sleep(0.1)

    def _wait(self, answer: Answer, tries: int) -> None:
        if answer.is_ours_unavailable and self._traits.is_patient:
            self._time.sleep(self._chance.uniform(15, 18))
            return
        backoff_s = self._chance.uniform(0.2, 0.4) * min(2**tries, 5)
        self._time.sleep(max(answer.retry_after_s, backoff_s))

    def _new_key(self) -> str | None:
        return str(uuid.UUID(int=self._chance.getrandbits(128))) if self._traits.has_key else None

    def _surprise(self, what: str, answer: Answer | None) -> None:
        self._ledger.surprise(f"{what}: {answer.kind if answer else f'no answer in {GIVE_UP_S:.0f} s'}")


class Robbed(HonestClient):
    """An owner whose token is copied, and the thief, who shows the copy when it has been spent."""

    def turn(self) -> None:
        """One theft."""
        self._held = None
        self._device_token = ""
        self._enter()
        if self._held is None:
            return
        copied = self._held
        for _ in range(generations := self._chance.choice((1, 2))):
            self._rest()
            if self._held is None:
                return
            self._refresh(self._held)
        if self._held is None:
            return
        if generations == 1:  # the predecessor is nobody's theft until the window is over
            self._time.sleep(self._chance.uniform(15, 18))
        self._steal(copied, self._held)

    def finish(self) -> None:
        """It holds nothing by then."""

    def _steal(self, copied: Held, owned: Held) -> None:
        shown = self._until_settled("theft", lambda: self._service.refresh(copied, None))
        own = self._until_settled("after a theft", lambda: self._service.refresh(owned, self._new_key()))
        if shown is None or own is None:
            self._surprise("theft", None)
            return
        self._ledger.note(Theft(self._person.id, not shown.is_refusal, own.is_refusal))


def traits_of(number: int) -> Traits:
    """Of the n-th client: all kinds, the commonest first."""
    kinds = (
        Traits(),
        Traits(has_key=False),
        Traits(Mode.COOKIE),
        Traits(has_device=True),
        Traits(has_key=False, has_tabs=True),
        Traits(has_key=False, is_patient=True),
        Traits(Mode.COOKIE, has_key=False),
        Traits(has_key=False, has_device=True),
        Traits(has_tabs=True, has_device=True),
        Traits(Mode.COOKIE, has_device=True),
    )
    return replace(kinds[number % len(kinds)])


def _successor(what: str, answer: Answer) -> str:
    """The token that goes on the chain: of an exchange the session and the next device token together."""
    if what == "exchange":
        return f"{answer.body['session_id']} {answer.body['device_token']}"
    return answer.cookie or str(answer.body["refresh_token"])


def _together(asks: Sequence[Ask]) -> list[Answer]:
    if len(asks) == 1:
        return [asks[0]()]
    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(lambda ask: ask(), asks))
