"""All keys walk on: published → in use → retired → gone; and a signing key is withdrawn in an emergency."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from auth_tokens.domain.errors import InvalidRequest, Unavailable
from auth_tokens.domain.events import EventType, SecurityEvent
from auth_tokens.domain.key_steps import Add, KeySchedule, Step, next_steps, withdrawal
from auth_tokens.domain.keys import KeyState, Purpose
from auth_tokens.usecases.ports import NOBODY, Caller, Clock, EventLog, KeyRegister

# A step that another run has taken meanwhile: look again. More is not this service's own doing.
MAX_RACES = 4


@dataclass(frozen=True, slots=True)
class RotateKeysDeps:
    keys: KeyRegister
    events: EventLog
    clock: Clock
    schedules: Mapping[Purpose, KeySchedule]


def rotate_keys(deps: RotateKeysDeps) -> list[Step]:
    """Do what is due for each purpose; answers the steps taken.

    Idempotent, resumable, and safe when two run at once. Raises Unavailable.
    """
    now = deps.clock()
    taken: list[Step] = []
    for purpose, schedule in deps.schedules.items():
        taken += _taken(next_steps(purpose, deps.keys.of(purpose), now, schedule), now, deps)
    if taken:
        deps.events.record(SecurityEvent(EventType.KEYS_ROTATED, now))
    return taken


def withdraw_signing_key(kid: str, deps: RotateKeysDeps, caller: Caller = NOBODY) -> list[Step]:
    """End a signing key at once; another signs from now on. Then do what is due.

    The event is written before a token is refused for it. Repeat it until it answers: what has been done
    is not done twice. Raises InvalidRequest (no such signing key), Unavailable.
    """
    now = deps.clock()
    taken: list[Step] = []
    for _ in range(MAX_RACES):
        keys = deps.keys.of(Purpose.SIGNING)
        withdrawn = next((key for key in keys if key.kid == kid), None)
        if withdrawn is None:
            raise InvalidRequest("withdraw is not the kid of a signing key.")
        if withdrawn.state is KeyState.GONE:
            return taken + rotate_keys(deps)
        _record_withdrawal(kid, caller, deps, now)
        taken += _taken(withdrawal(keys, withdrawn), now, deps)
    raise Unavailable("contention")


def _record_withdrawal(kid: str, caller: Caller, deps: RotateKeysDeps, now: int) -> None:
    event = SecurityEvent(EventType.SIGNING_KEY_WITHDRAWN, now, detail={"kid": kid, **caller.detail})
    try:
        deps.events.record(event)
    except Unavailable:  # a detail is encrypted: a KMS that is away must not keep a stolen key signing
        deps.events.record(replace(event, detail={}))


def _taken(steps: Iterable[Step], now: int, deps: RotateKeysDeps) -> list[Step]:
    """Take steps in their order, up to one that another run has taken: what comes after it relied on it."""
    taken: list[Step] = []
    for step in steps:
        is_ours = deps.keys.add(step, now) if isinstance(step, Add) else deps.keys.advance(step, now)
        if not is_ours:
            break
        taken.append(step)
    return taken
