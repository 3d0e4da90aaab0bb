"""The signing keys walk on: published → signing → retired → gone."""

from dataclasses import dataclass

from auth_tokens.domain.keys import Add, KeySchedule, Step, next_steps
from auth_tokens.usecases.ports import Clock, SigningKeys


@dataclass(frozen=True, slots=True)
class RotateKeysDeps:
    keys: SigningKeys
    clock: Clock
    schedule: KeySchedule


def rotate_keys(deps: RotateKeysDeps) -> list[Step]:
    """Do what is due; answers the steps taken. Idempotent, and safe when two run at once. Raises Unavailable."""
    now = deps.clock()
    steps = next_steps(deps.keys.all(), now, deps.schedule)
    for step in steps:
        if isinstance(step, Add):
            deps.keys.add(step, now)
        else:
            deps.keys.advance(step, now)
    return steps
