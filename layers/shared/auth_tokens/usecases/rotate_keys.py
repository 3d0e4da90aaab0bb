"""Key rotation: published → in use → retired → gone; and the withdrawal of a key in an emergency."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from auth_tokens.domain.caller import NO_CALLER, Caller
from auth_tokens.domain.errors import InvalidRequest, Unavailable
from auth_tokens.domain.event_kinds import data_key_withdrawn, keys_rotated, signing_key_withdrawn
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.key_steps import (
    IN_USE,
    Add,
    Advance,
    KeySchedule,
    Step,
    next_steps,
    next_turn,
    withdrawal,
)
from auth_tokens.domain.keys import KeyState, Purpose, StoredKey
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.events import EventLog
from auth_tokens.ports.keys import KeyRegister

# Where another run has taken a step meanwhile, the keys are read again. More races are not expected.
MAX_RACES = 4
_EventOf = Callable[[str, Caller, int], SecurityEvent]


@dataclass(frozen=True, slots=True)
class RotateKeysDeps:
    keys: KeyRegister
    events: EventLog
    clock: Clock
    schedules: Mapping[Purpose, KeySchedule]


@dataclass(frozen=True, slots=True)
class KeyTurn:
    """A key, and its next state with the instant from which on rotation takes it there; None for one that is gone."""

    key: StoredKey
    next_state: KeyState | None
    next_at: int | None


def list_keys(deps: RotateKeysDeps) -> list[KeyTurn]:
    """Every key that there is or was, by purpose, oldest first. Raises Unavailable."""
    turns: list[KeyTurn] = []
    for purpose, schedule in deps.schedules.items():
        keys = deps.keys.of(purpose)
        turns += [KeyTurn(key, *(next_turn(key, keys, schedule) or (None, None))) for key in keys]
    return turns


def rotate_keys(deps: RotateKeysDeps, caller: Caller = NO_CALLER, note: str = "") -> list[Step]:
    """Do what is due for each purpose; returns the steps taken. caller, note: of an operator who wants it now.

    Idempotent, resumable, and safe when two run at once. Raises Unavailable.
    """
    now = deps.clock()
    taken: list[Step] = []
    for purpose, schedule in deps.schedules.items():
        taken += _taken(next_steps(purpose, deps.keys.of(purpose), now, schedule), now, deps)
    if taken:
        deps.events.record(keys_rotated(now, caller, note))
    return taken


def begin_epoch(purpose: Purpose, deps: RotateKeysDeps, caller: Caller, note: str) -> list[Step]:
    """Take the published key of a purpose into use before its turn; the one before retires and stays readable.

    It must have been published for as long as caches need to see it. Raises InvalidRequest where it has not,
    Unavailable.
    """
    now, schedule, keys = deps.clock(), replace(deps.schedules[purpose], use_for_s=0), deps.keys.of(purpose)
    steps = next_steps(purpose, keys, now, schedule)
    if not any(isinstance(step, Advance) and step.after is IN_USE[purpose] for step in steps):
        published = [key for key in keys if key.state is KeyState.PUBLISHED]
        turns = [turn[1] for key in published if (turn := next_turn(key, keys, schedule))]
        when = f"epoch second {turns[0]}" if turns else "the next rotation"
        raise InvalidRequest(
            f"purpose {purpose.value} has no key that was published for long enough: wait for {when}."
        )
    taken = _taken(steps, now, deps)
    deps.events.record(keys_rotated(now, caller, note))
    return taken


def withdraw_key(kid: str, deps: RotateKeysDeps, caller: Caller = NO_CALLER, note: str = "") -> list[Step]:
    """End a key at once. Data keys are named by purpose and epoch, as `token-chain.3`; a thumbprint has no dot."""
    return (withdraw_data_key if "." in kid else withdraw_signing_key)(kid, deps, caller, note)


def withdraw_signing_key(
    kid: str, deps: RotateKeysDeps, caller: Caller = NO_CALLER, note: str = ""
) -> list[Step]:
    """End a signing key at once; another signs from now on. Then do what is due.

    The event is written before tokens are refused. Idempotent: repeat it until it succeeds. Raises InvalidRequest (no
    such signing key), Unavailable.
    """
    event_of = partial(signing_key_withdrawn, note=note)
    return _withdrawn(kid, (Purpose.SIGNING,), event_of, deps, caller)


def withdraw_data_key(
    kid: str, deps: RotateKeysDeps, caller: Caller = NO_CALLER, note: str = ""
) -> list[Step]:
    """End an epoch of the token chain or of metadata at once, as withdraw_signing_key does.

    Of the token chain: its opaque tokens are refused, and their holders sign in again. Of metadata: what is encrypted
    by it counts as empty from now on. Raises InvalidRequest (no such data key), Unavailable.
    """
    purposes = (Purpose.TOKEN_CHAIN, Purpose.METADATA)
    return _withdrawn(kid, purposes, partial(data_key_withdrawn, note=note), deps, caller)


def _withdrawn(
    kid: str, purposes: Sequence[Purpose], event_of: _EventOf, deps: RotateKeysDeps, caller: Caller
) -> list[Step]:
    now = deps.clock()
    taken: list[Step] = []
    for _ in range(MAX_RACES):
        keys, withdrawn = _found(kid, purposes, deps)
        if withdrawn.state is KeyState.GONE:
            return taken + rotate_keys(deps)
        *before, end = withdrawal(keys, withdrawn)
        replaced = _taken(before, now, deps)
        taken += replaced
        if len(replaced) < len(before):
            continue
        # Recorded now, so that its detail is encrypted by the next key where this key encrypts details.
        _record_withdrawal(event_of(kid, caller, now), deps)
        taken += _taken([end], now, deps)
    raise Unavailable("contention")


def _record_withdrawal(event: SecurityEvent, deps: RotateKeysDeps) -> None:
    try:
        deps.events.record(event)
    except Unavailable:  # encrypting the detail needs KMS, whose outage must not keep a stolen key in use
        deps.events.record(replace(event, detail={}))


def _found(kid: str, purposes: Sequence[Purpose], deps: RotateKeysDeps) -> tuple[list[StoredKey], StoredKey]:
    """The keys of a key's purpose, and the key. Raises InvalidRequest."""
    for purpose in purposes:
        keys = deps.keys.of(purpose)
        for key in keys:
            if key.kid == kid:
                return keys, key
    kind = "signing" if Purpose.SIGNING in purposes else "data"
    raise InvalidRequest(f"There is no {kind} key of this kid; those that there are: GET /admin/keys.")


def _taken(steps: Iterable[Step], now: int, deps: RotateKeysDeps) -> list[Step]:
    """Take steps in their order, up to one that another run has taken, as later steps depend on it."""
    taken: list[Step] = []
    for step in steps:
        is_ours = deps.keys.add(step, now) if isinstance(step, Add) else deps.keys.advance(step, now)
        if not is_ours:
            break
        taken.append(step)
    return taken
