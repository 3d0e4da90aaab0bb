"""Unwrapped keys in the memory of this environment: one KMS call each, bounded in age, never on disk."""

import os
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from auth_tokens.adapters.kms.wrapper import KeyWrapper, context_of
from auth_tokens.domain.ages import is_within
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.keys import PENALTY_S, StoredKey
from auth_tokens.observability import Telemetry
from auth_tokens.ports.clock import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    key: T
    unwrapped_at: int
    tried_at: int


class UnwrappedKeyCache(Generic[T]):
    """Keys by kid, each as `build` makes it of the row and the plain material.

    A key older than half of max_age_s is unwrapped again at its next use. While KMS is out of reach the key is used
    until max_age_s, then dropped. So a key that KMS refuses is refused here within max_age_s.
    """

    def __init__(
        self,
        wrapper: KeyWrapper,
        clock: Clock,
        telemetry: Telemetry,
        max_age_s: int,
        build: Callable[[StoredKey, bytes], T],
    ) -> None:
        self._wrapper = wrapper
        self._clock = clock
        self._telemetry = telemetry
        self._max_age_s = max_age_s
        self._build = build
        self._held: dict[str, _Held[T]] = {}
        self._swept_at: int | None = None
        _ALL.add(self)

    def get(self, row: StoredKey) -> T:
        """The key of a row that has one wrapped. Raises Unavailable."""
        now = self._clock()
        if now != self._swept_at:
            self._drop_what_is_too_old(now)
        held = self._held.get(row.kid)
        if held is None:
            held = self._held[row.kid] = self._unwrapped(row, now)
        elif self._is_due(held, now):
            held = self._held[row.kid] = self._renewed(row, held, now)
        return held.key

    def clear(self) -> None:
        """Drop all keys; the next use unwraps again."""
        self._held = {}

    def _is_due(self, held: _Held[T], now: int) -> bool:
        if is_within(now, held.unwrapped_at, self._max_age_s // 2):
            return False
        return not is_within(now, held.tried_at, PENALTY_S)

    def _unwrapped(self, row: StoredKey, now: int) -> _Held[T]:
        assert row.wrapped_key is not None
        material = self._wrapper.unwrap(row.wrapped_key, context_of(row.kid, row.purpose))
        return _Held(self._build(row, material), now, now)

    def _renewed(self, row: StoredKey, held: _Held[T], now: int) -> _Held[T]:
        try:
            return self._unwrapped(row, now)
        except Unavailable:
            self._telemetry.count("KeyRenewalFailed")
            # With a clock that was set back, the age of a key is unknown and counts from now on.
            return replace(held, tried_at=now, unwrapped_at=min(held.unwrapped_at, now))

    def _drop_what_is_too_old(self, now: int) -> None:
        self._swept_at = now
        self._held = {
            kid: held for kid, held in self._held.items() if now - held.unwrapped_at < self._max_age_s
        }


# A forked child must not share its parent's keys. A snapshot (SnapStart) has none, as none is unwrapped before the
# first request. Nonces and ids come from the kernel, so neither a fork nor a snapshot repeats them.
_ALL: "weakref.WeakSet[UnwrappedKeyCache[Any]]" = weakref.WeakSet()


def _clear_all() -> None:
    for held in _ALL:
        held.clear()


os.register_at_fork(after_in_child=_clear_all)
