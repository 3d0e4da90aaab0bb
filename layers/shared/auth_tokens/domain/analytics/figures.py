"""The figures that people look at, and the events that each of them counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from auth_tokens.domain.events import EventType

FIGURES: Mapping[str, tuple[EventType, ...]] = {
    "logins": (EventType.LOGIN_SUCCEEDED,),
    "failures": (EventType.LOGIN_FAILED,),
    "issued": (EventType.SESSION_ISSUED,),
    "new_devices": (EventType.NEW_DEVICE,),
    "evictions": (EventType.SESSION_EVICTED,),
    "reuse": (EventType.TOKEN_REUSE_DETECTED,),
    "revocations": (
        EventType.SESSION_REVOKED,
        EventType.DEVICE_REVOKED,
        EventType.ACCESS_TOKEN_REVOKED,
        EventType.USER_REVOKED,
    ),
    "findings": (EventType.FINDING,),
}
# The analytics schedule counts these from rows, not from events. None before the first count.
REFRESHES = "refreshes"
ACTIVE_SESSIONS = "active_sessions"
DEVICES = "devices"
# Levels, not counts: of several hours the highest counts, not the sum.
LEVELS = (ACTIVE_SESSIONS, DEVICES)
COUNTED = (REFRESHES, *LEVELS)


@dataclass(frozen=True, slots=True)
class StepFigure:
    """What was kept under a name in the hours of one step; at: its start; most: of a single hour."""

    at: int
    name: str
    total: int
    most: int


@dataclass(frozen=True, slots=True)
class SourceFigure:
    """Failed logins from one source; source: keyed hash of its address."""

    source: bytes
    failures: int


@dataclass(frozen=True, slots=True)
class CleanupDebt:
    """Rows that cleanup may delete and has not; oldest_at: when the first of them ended; due: counted up to a bound."""

    oldest_at: int | None
    due: int


def figures_of(amounts: Mapping[str, int]) -> dict[str, int | None]:
    """amounts: by type of event and by name of COUNTED."""
    figures: dict[str, int | None] = {
        name: sum(amounts.get(kind.value, 0) for kind in kinds) for name, kinds in FIGURES.items()
    }
    return figures | {name: amounts.get(name) for name in COUNTED}
