"""What operators do for the outbox and the figures, and what is waiting to be done."""

from collections.abc import Mapping
from dataclasses import dataclass

from auth_tokens.domain.analytics.hours import hour_of
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidRequest, NotFound
from auth_tokens.domain.event_kinds import event_skipped, events_replayed, figures_recounted
from auth_tokens.domain.ids import first_uuid_at, parse_uuid, uuid_text
from auth_tokens.domain.purges import Debt
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.events import EventLog, Outbox, Replays
from auth_tokens.ports.figures import Rollups
from auth_tokens.ports.jobs import Purge

# Of one call, each slice its own short transaction.
SLICE_EVENTS = 1000
MAX_SLICES = 10


@dataclass(frozen=True, slots=True)
class UpkeepDeps:
    """event_retention_s: how long events are kept."""

    replays: Replays
    outbox: Outbox
    purges: tuple[Purge, ...]
    rollups: Rollups
    log: EventLog
    clock: Clock
    event_retention_s: int


@dataclass(frozen=True, slots=True)
class ServiceDebt:
    """tables: what cleanup may delete and has not; pending: events that the bus has yet to get, counted up to a bound;
    oldest_pending_at: when the first of them was recorded; rolled_up_at: when figures were counted last."""

    tables: Mapping[str, Debt]
    pending: int
    oldest_pending_at: int | None
    rolled_up_at: int | None


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """since, until: epoch seconds, the first included; cursor: where the call before left off."""

    since: int
    until: int
    note: str
    is_dry_run: bool = False
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """events: of the whole span, counted up to a bound; next_cursor: None where all of them are in the outbox."""

    events: int
    next_cursor: str | None


def service_debt(deps: UpkeepDeps) -> ServiceDebt:
    """What is waiting. Raises Unavailable."""
    now = deps.clock()
    return ServiceDebt(
        {purge.name: purge.debt(now) for purge in deps.purges},
        deps.replays.count_pending(),
        deps.outbox.oldest_pending_at(),
        deps.rollups.rolled_up_at(now),
    )


def replay_events(wanted: ReplayRequest, caller: Caller, deps: UpkeepDeps) -> Replay:
    """Have the events of a span sent to the bus once more, a bounded number a call: repeat it with the cursor until
    there is none. Subscribers know repeated events by their ids. Raises InvalidRequest, Unavailable."""
    now = deps.clock()
    if not wanted.since < wanted.until <= now + 1:
        raise InvalidRequest("since must be before until, and until not in the future.")
    first, before = first_uuid_at(wanted.since), first_uuid_at(wanted.until)
    position = first if wanted.cursor is None else parse_uuid(wanted.cursor)
    if position is None or not first <= position < before:
        raise InvalidRequest("cursor must be the next_cursor of the call before, of the same span.")
    events = deps.replays.count(first, before)
    if wanted.is_dry_run:
        return Replay(events, None)
    if wanted.cursor is None:
        deps.log.record(events_replayed(wanted.since, wanted.until, wanted.note, caller, now))
    following: bytes | None = position
    for _ in range(MAX_SLICES):
        if following is None:
            break
        following = deps.replays.replay(following, before, SLICE_EVENTS)
    return Replay(events, uuid_text(following) if following is not None else None)


def skip_event(event_id: str, note: str, caller: Caller, deps: UpkeepDeps) -> None:
    """Give one event up that the bus refuses, so that later ones of its user are sent. Raises NotFound for an unknown
    event and one that is not pending, Unavailable."""
    identifier, now = parse_uuid(event_id), deps.clock()
    if identifier is None or not deps.replays.skip(identifier, now):
        raise NotFound()
    deps.log.record(event_skipped(identifier, note, caller, now))


def recount_figures(since: int, note: str, caller: Caller, deps: UpkeepDeps) -> int:
    """Have the hours from an instant on counted again from the events, by the next runs of the schedule; returns the
    first of them. Raises InvalidRequest, Unavailable."""
    now = deps.clock()
    hour = hour_of(since)
    if not now - deps.event_retention_s <= hour <= now:
        raise InvalidRequest(
            f"since must be within the last {deps.event_retention_s} s, as older events are gone."
        )
    deps.log.record(figures_recounted(hour, note, caller, now))
    deps.rollups.forget_from(hour)
    return hour
