"""The store, as the core sees it: read, compare and set, and what this process knows beside it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from auth_user_tokens import rules
from auth_user_tokens.clock import Clock, Instant, elapsed_s
from auth_user_tokens.errors import SignedOut, StoreError
from auth_user_tokens.events import Callback, SignedOutEvent, StoreFailed
from auth_user_tokens.records import Saved, Tokens, saved_in, text_of
from auth_user_tokens.steps import Load, Steps, Swap

# A store that is always slow is believed in the end.
_MAX_READS = 3


@dataclass(frozen=True, slots=True)
class Loaded:
    """text: what the store holds; saved: what is so; is_unsaved: that is newer, as a write failed."""

    text: str | None = field(repr=False)
    saved: Saved
    read_at: Instant
    is_unsaved: bool = False

    @property
    def session(self) -> Tokens:
        """Raises SignedOut."""
        if self.saved.session is None:
            raise SignedOut()
        return self.saved.session


@dataclass(frozen=True, slots=True)
class _Sight:
    """What this process knows of its tokens' age: when it first saw them, and when it last saw the ones before (by the
    steady clock); due_at: from which part of their life it refreshes them."""

    tokens: Tokens
    at: Instant
    not_before_s: float
    due_at: float


class Keeper:
    """due_at, jitter: from which part of an access token's life it is refreshed, give or take."""

    def __init__(
        self, issuer: str, clock: Clock, emit: Callback, chance: random.Random, due_at: float, jitter: float
    ) -> None:
        self._issuer, self._clock, self._emit = issuer, clock, emit
        self._chance, self._due_at, self._jitter = chance, due_at, jitter
        self._sight: _Sight | None = None
        self._last: Loaded | None = None
        self._known: Saved | None = None
        self._saved_at_s = self._looked_at_s = -math.inf
        # A record that could not be written, and the text that it would have replaced.
        self._unsaved: tuple[str | None, Saved] | None = None

    def glance(self) -> Steps[Loaded]:
        """What is so, for the use of an access token: read a moment ago, or from memory where the store cannot be read
        and the token that is known has some life left."""
        last = self._last
        if last and 0 <= elapsed_s(last.read_at, self._clock.now()) < rules.GLANCE_S:
            return last
        try:
            return (yield from self.load())
        except StoreError:
            if last is None or last.saved.session is None or self.need(last.session) is rules.Need.NOW:
                raise
            return last

    def load(self) -> Steps[Loaded]:
        """Rule 2: what the store holds now. Raises StoreError."""
        text, read_at = yield from self._read()
        last = self._last
        saved = (
            last.saved if last and last.text == text and not last.is_unsaved else saved_in(text, self._issuer)
        )
        return self._see(text, saved, read_at)

    def load_anything(self) -> Steps[Loaded]:
        """The same for who replaces it: what cannot be read counts as empty."""
        text, read_at = yield from self._read()
        try:
            saved = saved_in(text, self._issuer)
        except StoreError:
            saved = Saved(self._issuer)
        return self._see(text, saved, read_at)

    def save(self, seen: str | None, saved: Saved, obtained: Instant | None = None) -> Steps[bool]:
        """Rule 3: writes if the store still holds `seen`, and gives whether it did. Rule 7: a write that fails is an
        event, and what it would have written is so until the store says otherwise. obtained: when new tokens were
        asked for."""
        is_unsaved = False
        try:
            done: bool = yield Swap(seen, text_of(saved))
        except StoreError as failed:
            self._emit(StoreFailed(failed))
            done = is_unsaved = True
        self._last = None
        if done:
            self._unsaved = (seen, saved) if is_unsaved else None
            text = seen if is_unsaved else text_of(saved)
            now = self._clock.now()
            self._saved_at_s = now.steady
            self._remember(Loaded(text, saved, now, is_unsaved), obtained)
        return done

    def write_again(self, loaded: Loaded) -> Steps[None]:
        """Saves what could not be saved. Raises StoreError: a token that only this memory has is not spent, as whoever
        reads the store would then show one that is two generations old."""
        yield Swap(loaded.text, text_of(loaded.saved))
        self._unsaved = self._last = None

    def need(self, tokens: Tokens, min_life_s: float = 0.0) -> rules.Need:
        sight = self._sight_of(tokens, None)
        return rules.need_of(self.age_s(tokens), tokens.expires_in, sight.due_at, min_life_s)

    def age_s(self, tokens: Tokens) -> float:
        """Of the access token: by the wall clock, but within what this process has seen itself. So a clock that is set
        neither ages a token, which would be refreshed twice in a row, nor keeps it young."""
        now, sight = self._clock.now(), self._sight_of(tokens, None)
        at_least_s = now.steady - sight.at.steady
        return min(max(now.wall - tokens.obtained_at, at_least_s), now.steady - sight.not_before_s)

    def settles_in_s(self, tokens: Tokens, timeout_s: float) -> float:
        """How long tokens that another clock dated are not spent yet (rule 4): they may be as new as their first sight
        here. Those of long before this machine started are believed to be old, as every start would wait otherwise."""
        now, sight = self._clock.now(), self._sight_of(tokens, None)
        is_same_clock = abs(now.zero - tokens.clock_zero) < rules.SAME_CLOCK_S
        if is_same_clock or tokens.obtained_at < now.zero - rules.CLOCKS_APART_S:
            return 0.0
        return max(0.0, timeout_s - (now.steady - sight.at.steady))

    def _read(self) -> Steps[tuple[str | None, Instant]]:
        text, read_at = None, self._clock.now()
        for _ in range(_MAX_READS):
            read_at = self._clock.now()
            text = yield Load()
            if not rules.is_read_too_long_ago(elapsed_s(read_at, self._clock.now())):
                break
        return text, read_at

    def _see(self, text: str | None, saved: Saved, read_at: Instant) -> Loaded:
        """Tells where another process has signed out. A store that was cleared signs nobody out: what is known here
        goes on, and is saved again before it is spent."""
        if read_at.steady < self._saved_at_s:  # another thread has written meanwhile
            return Loaded(text, saved, read_at)
        unsaved = self._unsaved if self._unsaved and self._unsaved[0] == text else None
        if text is None and unsaved is None and self._known and self._known.session:
            unsaved = (None, self._known)
        self._unsaved = unsaved
        loaded = Loaded(text, unsaved[1] if unsaved else saved, read_at, unsaved is not None)
        was_signed_in = self._known and self._known.session
        self._remember(loaded, None)
        if was_signed_in and loaded.saved.session is None:
            self._emit(SignedOutEvent("elsewhere"))
        return loaded

    def _remember(self, loaded: Loaded, obtained: Instant | None) -> None:
        self._last, self._known = loaded, loaded.saved
        if loaded.saved.session:
            self._sight_of(loaded.saved.session, obtained)
        self._looked_at_s = loaded.read_at.steady

    def _sight_of(self, tokens: Tokens, obtained: Instant | None) -> _Sight:
        sight = self._sight
        if sight is None or sight.tokens != tokens:
            due_at = self._due_at + self._chance.uniform(-self._jitter, self._jitter)
            at = obtained or self._clock.now()
            not_before_s = obtained.steady if obtained else self._looked_at_s
            sight = self._sight = _Sight(tokens, at, not_before_s, due_at)
        return sight
