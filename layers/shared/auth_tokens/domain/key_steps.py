"""The lifecycle of keys: which change of state is due when, and which an operator may bring forward."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S, MAX_TTL_S
from auth_tokens.domain.keys import PENALTY_S, ROWS_MAX_AGE_S, SIGNER_MAX_AGE_S, KeyState, Purpose, StoredKey

DAY_S = 86_400
# For clocks of two environments that disagree, and for a slow read.
CLOCK_MARGIN_S = 60

IN_USE = {
    Purpose.SIGNING: KeyState.SIGNING,
    Purpose.TOKEN_CHAIN: KeyState.ACTIVE,
    Purpose.METADATA: KeyState.ACTIVE,
}


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """use_for_s: how long a key is in use; publish_wait_s: how long it is published before;
    retire_wait_s: how long it stays readable afterwards."""

    use_for_s: int
    publish_wait_s: int
    retire_wait_s: int


def schedules(
    *, jwks_max_age_s: int, cleanup_retention_s: int, signs_by_kms: bool
) -> dict[Purpose, KeySchedule]:
    """The schedule of each purpose, from the settings that decide how long its keys are cached and needed."""
    seen_by_all_s = ROWS_MAX_AGE_S + PENALTY_S + CLOCK_MARGIN_S
    return {
        # Published: the JWKS is cached for its max-age twice, by a cache in front of discovery and by the client.
        # Retired: the last signer notices, then the longest access token that a user may have runs out.
        # With KMS the operator configures the next key, and it signs as soon as its wait is over.
        Purpose.SIGNING: KeySchedule(
            use_for_s=0 if signs_by_kms else 30 * DAY_S,
            publish_wait_s=2 * jwks_max_age_s + CLOCK_MARGIN_S,
            retire_wait_s=SIGNER_MAX_AGE_S + MAX_ACCESS_TTL_S + CLOCK_MARGIN_S,
        ),
        # Retired: the longest session or device of any user runs out.
        Purpose.TOKEN_CHAIN: KeySchedule(
            use_for_s=90 * DAY_S, publish_wait_s=seen_by_all_s, retire_wait_s=MAX_TTL_S + seen_by_all_s
        ),
        # Retired: a write encrypts its row by the current key; cleanup deletes the last row that was not written since.
        Purpose.METADATA: KeySchedule(
            use_for_s=90 * DAY_S,
            publish_wait_s=seen_by_all_s,
            retire_wait_s=MAX_TTL_S + cleanup_retention_s + DAY_S,
        ),
    }


@dataclass(frozen=True, slots=True)
class Add:
    """Make a new key in this state."""

    purpose: Purpose
    epoch: int
    state: KeyState


@dataclass(frozen=True, slots=True)
class Advance:
    """Move a key on."""

    kid: str
    before: KeyState
    after: KeyState


Step = Add | Advance


def first_steps(purpose: Purpose) -> tuple[Add, Add]:
    """For a purpose that never had a key: one in use, and a standby key, which every cache knows before an emergency
    needs it."""
    return Add(purpose, 1, IN_USE[purpose]), Add(purpose, 2, KeyState.PUBLISHED)


def next_steps(purpose: Purpose, keys: Sequence[StoredKey], now: int, schedule: KeySchedule) -> list[Step]:
    """What is due on the keys of a purpose, in the order to do it. keys: all there ever were, oldest first.

    A successor comes into use before its predecessor retires, so there is always one in use. The next one is published
    as a standby for an emergency. Idempotent: after a run that stopped half-way the next one does the rest.
    """
    epochs = count(_next_epoch(keys))
    in_use = [key for key in keys if key.state is IN_USE[purpose]]
    published = [key for key in keys if key.state is KeyState.PUBLISHED]
    steps: list[Step] = []
    is_promoted = bool(published) and _is_due(in_use, published[0], now, schedule)
    if is_promoted:
        steps.append(Advance(published[0].kid, KeyState.PUBLISHED, IN_USE[purpose]))
    elif not in_use:
        steps.append(Add(purpose, next(epochs), IN_USE[purpose]))
    outlived, standby = (in_use, published[1:]) if is_promoted else (in_use[:-1], published)
    steps += [Advance(key.kid, IN_USE[purpose], KeyState.RETIRED) for key in outlived]
    steps += _erasures(keys, now, schedule)
    if not standby:
        steps.append(Add(purpose, next(epochs), KeyState.PUBLISHED))
    return steps


def next_turn(
    key: StoredKey, keys: Sequence[StoredKey], schedule: KeySchedule
) -> tuple[KeyState, int] | None:
    """The next state of a key, and from which instant on rotation takes it there; None for one that is gone. keys: all
    of its purpose, oldest first."""
    in_use = [each for each in keys if each.state is IN_USE[key.purpose]]
    published = [each for each in keys if each.state is KeyState.PUBLISHED]
    match key.state:
        case KeyState.GONE:
            return None
        case KeyState.RETIRED:
            return KeyState.GONE, key.changed_at + schedule.retire_wait_s
        case KeyState.PUBLISHED:
            return IN_USE[key.purpose], _turn_of(key, in_use, schedule)
    successor = published[0] if published else None
    since = key.changed_at + schedule.use_for_s
    return KeyState.RETIRED, since if successor is None else _turn_of(successor, [key], schedule)


def _turn_of(successor: StoredKey, in_use: Sequence[StoredKey], schedule: KeySchedule) -> int:
    """When a published key comes into use."""
    if not in_use:
        return successor.changed_at
    return max(successor.changed_at + schedule.publish_wait_s, in_use[-1].changed_at + schedule.use_for_s)


def withdrawal(keys: Sequence[StoredKey], withdrawn: StoredKey) -> list[Step]:
    """End a key now: first another one comes into use, then this one is gone.

    The standby key does not wait for publish_wait_s: verifiers look up an unknown `kid`, and tokens that some
    verifiers refuse for seconds do less harm than tokens that anybody can forge.
    """
    in_use = IN_USE[withdrawn.purpose]
    others = [key for key in keys if key.kid != withdrawn.kid]
    published = [key for key in others if key.state is KeyState.PUBLISHED]
    end = Advance(withdrawn.kid, withdrawn.state, KeyState.GONE)
    if any(key.state is in_use for key in others):
        return [end]
    if published:
        return [Advance(published[0].kid, KeyState.PUBLISHED, in_use), end]
    return [Add(withdrawn.purpose, _next_epoch(keys), in_use), end]


def _is_due(in_use: list[StoredKey], successor: StoredKey, now: int, schedule: KeySchedule) -> bool:
    if not in_use:  # as in withdrawal
        return True
    has_waited = now - successor.changed_at >= schedule.publish_wait_s
    return has_waited and now - in_use[-1].changed_at >= schedule.use_for_s


def _next_epoch(keys: Sequence[StoredKey]) -> int:
    # Gone keys count: an epoch is never reused.
    return max((key.epoch for key in keys), default=0) + 1


def _erasures(keys: Sequence[StoredKey], now: int, schedule: KeySchedule) -> list[Advance]:
    return [
        Advance(key.kid, KeyState.RETIRED, KeyState.GONE)
        for key in keys
        if key.state is KeyState.RETIRED and now - key.changed_at >= schedule.retire_wait_s
    ]
