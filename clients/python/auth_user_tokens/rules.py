"""The rules that keep a session alive, as functions of numbers. docs/how-to/clients.md has them with their reasons."""

from __future__ import annotations

import random
from enum import Enum

# Rule 2: a token that was read longer ago is read again before it is sent.
READ_AGAIN_S = 2.0
# How long a call waits for the refresh of another thread before it sends its own, which is harmless.
PATIENCE_S = 2.5
POLL_S = 0.05
# An access token that was read lately is used without another look at the store.
GLANCE_S = 1.0
MAX_BACKOFF_S = 30.0
MIN_AGE_S = 30.0
# Clocks that differ by less are one: such a difference makes no new token look old.
SAME_CLOCK_S = 5.0
# Two clocks that are each an hour wrong differ by no more.
CLOCKS_APART_S = 7200.0


class Need(Enum):
    """Of a refresh. DUE: the access token is still good."""

    NONE = "none"
    DUE = "due"
    NOW = "now"


def need_of(age_s: float, life_s: float, due_at: float, min_life_s: float = 0.0) -> Need:
    """due_at: a part of the life. min_life_s: how long the caller needs the token; one that is younger than
    `min_age_s` is not refreshed for it, as the next would be no better."""
    if age_s >= life_s or (age_s + min_life_s > life_s and age_s >= min_age_s(life_s)):
        return Need.NOW
    return Need.DUE if age_s >= life_s * due_at else Need.NONE


def min_age_s(life_s: float) -> float:
    """Rule 4: no forced refresh of a younger access token. While an old request may still be under way, a second
    rotation would make its token two generations old."""
    return min(MIN_AGE_S, life_s / 2)


def may_force(age_s: float, life_s: float) -> bool:
    """Rule 4, for an access token that an API refused."""
    return age_s >= min_age_s(life_s)


def is_too_late(took_s: float, timeout_s: float) -> bool:
    """Rule 5: an answer older than the time-out is none. The machine slept, and others went on."""
    return took_s > timeout_s


def is_read_too_long_ago(age_s: float) -> bool:
    """Rule 2, for a store that is slow or a process that was frozen."""
    return age_s > READ_AGAIN_S


def ends_session(status: int, code: str | None) -> bool:
    """Rule 6: `invalid_grant` alone does."""
    return status == 400 and code == "invalid_grant"


def backoff_s(failures: int, retry_after_s: float | None, chance: random.Random) -> float:
    """Until the next try. What the service says, spread, so that not all come at once; else full jitter."""
    if retry_after_s is not None:
        return retry_after_s * chance.uniform(1, 2)
    return chance.uniform(0.05, min(MAX_BACKOFF_S, 0.5 * 2.0**failures))
