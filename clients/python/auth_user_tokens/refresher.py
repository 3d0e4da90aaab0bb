"""The access token: the known one while it is good, and its refresh by the eight rules of docs/how-to/clients.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from auth_user_tokens import rules
from auth_user_tokens.answers import StepUpRequest, TokenAnswer
from auth_user_tokens.clock import Clock, Instant, elapsed_s
from auth_user_tokens.errors import AuthError, Late, NoAnswer, SignedOut
from auth_user_tokens.events import Callback, Refreshed, SignedOutEvent
from auth_user_tokens.keeper import Keeper, Loaded
from auth_user_tokens.outage import Outage, Turns
from auth_user_tokens.proofs import Signing
from auth_user_tokens.records import Tokens
from auth_user_tokens.rules import Need
from auth_user_tokens.steps import Send, Steps, T, Wait
from auth_user_tokens.wire import (
    Again,
    Endpoints,
    Good,
    Over,
    Refused,
    Reply,
    Request,
    Verdict,
    step_up_verdict,
    verdict_of,
)


@dataclass(frozen=True, slots=True)
class Want:
    """Why somebody asks for an access token. min_life_s: how long it is needed; refused: by an API, an access token."""

    min_life_s: float = 0.0
    refused: str | None = field(default=None, repr=False)

    def need(self, keeper: Keeper, tokens: Tokens) -> Need:
        need = keeper.need(tokens, self.min_life_s)
        if tokens.access_token == self.refused and rules.may_force(keeper.age_s(tokens), tokens.expires_in):
            return Need.NOW
        return need


@dataclass(frozen=True, slots=True)
class Limits:
    """timeout_s: of one try; retry_for_s: of all tries that one caller waits for."""

    timeout_s: float = 10.0
    retry_for_s: float = 60.0


class Asking:
    """One try at the service."""

    def __init__(self, clock: Clock, outage: Outage, signing: Signing, timeout_s: float) -> None:
        self._clock, self._outage, self._timeout_s = clock, outage, timeout_s
        self._signing = signing

    def ask(
        self,
        request: Request,
        read_at: Instant,
        is_needed: bool = True,
        meaning: Callable[[Reply], Verdict] = verdict_of,
    ) -> Steps[Verdict]:
        """What the answer means; one that comes too late (rule 5) is none. Raises Late, and AuthError where another
        try is of no use."""
        sent_at = self._clock.now()
        self._outage.sending()
        try:
            reply = yield from self._signing.sent(Send(request, read_at, self._timeout_s, is_needed))
        except NoAnswer:
            verdict: Verdict = Again()
        except GeneratorExit:  # the caller's HTTP client raised, or the caller went away
            self._outage.failed(Again())
            raise
        else:
            took_s = elapsed_s(sent_at, self._clock.now())
            if rules.is_too_late(took_s, 2 * self._timeout_s):  # no sender waits as long: the machine slept
                raise Late()
            verdict = Again() if rules.is_too_late(took_s, self._timeout_s) else self._usable(meaning(reply))
        match verdict:
            case Again():
                self._outage.failed(verdict)
            case Refused(code, status, retry_after_s):
                raise AuthError(code, status=status, retry_after_s=retry_after_s)
            case Good() | Over():
                self._outage.over()
        return verdict

    def _usable(self, verdict: Verdict) -> Verdict:
        is_usable = (
            not isinstance(verdict, Good) or verdict.answer["token_type"].lower() in self._signing.kinds
        )
        return verdict if is_usable else Again("bad_answer", 200)


class Refresher:
    def __init__(
        self,
        keeper: Keeper,
        endpoints: Endpoints,
        asking: Asking,
        outage: Outage,
        clock: Clock,
        emit: Callback,
        limits: Limits,
    ) -> None:
        self._keeper, self._endpoints, self._asking, self._outage = keeper, endpoints, asking, outage
        self._clock, self._emit, self._limits = clock, emit, limits
        self._turns = Turns(clock, limits.timeout_s + rules.PATIENCE_S)

    def access_token(self, want: Want) -> Steps[str]:
        return (yield from self.tokens(want)).access_token

    def tokens(self, want: Want) -> Steps[Tokens]:
        """With an access token that is good, refreshed where it is due. Raises SignedOut, StoreError, AuthError."""
        loaded = yield from self._keeper.glance()
        match want.need(self._keeper, loaded.session):
            case Need.NONE:
                return loaded.session
            case Need.DUE:
                return (yield from self._refreshed_beside(want, loaded))
            case Need.NOW:
                return (yield from self._refreshed(want))

    def step_up(self, by: StepUpRequest) -> Steps[None]:
        """A refresh that a password makes stronger. Raises AuthError `invalid_credentials`, `rate_limited` …: nothing
        is spent, and the session lives on."""

        def once() -> Steps[bool]:
            loaded = yield from self._keeper.load()
            request = self._endpoints.step_up(loaded.session, by)
            return (yield from self._spend(loaded, request, meaning=step_up_verdict))

        yield from self._until_done(once)

    def _refreshed(self, want: Want) -> Steps[Tokens]:
        def once() -> Steps[Tokens | None]:
            loaded = yield from self._keeper.load()
            if want.need(self._keeper, loaded.session) is not Need.NOW:
                return loaded.session
            yield from self._try(loaded, is_needed=True)
            return None

        return (yield from self._until_done(once))

    def _until_done(self, once: Callable[[], Steps[T | None]]) -> Steps[T]:
        """However many tries it takes, one thread at a time, within the time that a caller waits."""
        until_s = self._clock.now().steady + self._limits.retry_for_s
        while True:
            yield from self._outage.pause(until_s)
            turn = self._turns.begin()
            try:
                yield from self._turns.wait(turn)
                if self._outage.wait_s():
                    continue
                if done := (yield from once()):
                    return done
            finally:
                self._turns.give_back(turn)

    def _refreshed_beside(self, want: Want, known: Loaded) -> Steps[Tokens]:
        """One try for a token that is still good: where it fails, or another thread is at it, that token is used."""
        turn = self._turns.begin()
        if self._outage.wait_s() or not self._turns.take(turn):
            return known.session
        try:
            loaded = yield from self._keeper.load()
            if want.need(self._keeper, loaded.session) is not Need.NONE:
                yield from self._try(loaded, is_needed=False)
            return (yield from self._keeper.glance()).session
        except SignedOut:
            raise
        except AuthError:
            return known.session
        finally:
            self._turns.give_back(turn)

    def _try(self, loaded: Loaded, is_needed: bool) -> Steps[None]:
        yield from self._spend(loaded, self._endpoints.refresh(loaded.session), is_needed)

    def _spend(
        self,
        loaded: Loaded,
        request: Request,
        is_needed: bool = True,
        meaning: Callable[[Reply], Verdict] = verdict_of,
    ) -> Steps[bool]:
        """One try with the token that the store holds, which has just been read. Gives whether the next is saved."""
        if loaded.is_unsaved:
            yield from self._keeper.write_again(loaded)
            return False
        if settles_in_s := self._keeper.settles_in_s(loaded.session, self._limits.timeout_s):
            if is_needed:
                yield Wait(settles_in_s)
            return False
        sent_at = self._clock.now()
        try:
            verdict = yield from self._asking.ask(request, loaded.read_at, is_needed, meaning)
        except Late:
            return False
        match verdict:
            case Good(answer):
                return (yield from self._kept(loaded, answer, sent_at))
            case Over():
                yield from self._end(loaded)
        return False

    def _kept(self, loaded: Loaded, answer: TokenAnswer, sent_at: Instant) -> Steps[bool]:
        after = replace(loaded.saved, session=loaded.session.rotated(answer, sent_at))
        is_saved = yield from self._keeper.save(loaded.text, after, sent_at)
        if is_saved:
            self._emit(Refreshed(answer["session_id"]))
        return is_saved

    def _end(self, loaded: Loaded) -> Steps[None]:
        """Rule 6: the session is over if the store still holds the token that was refused."""
        if (yield from self._keeper.save(loaded.text, loaded.saved.signed_out(keep_device_token=True))):
            self._emit(SignedOutEvent("session_over"))
            raise SignedOut("invalid_grant")
