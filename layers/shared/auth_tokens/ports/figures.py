"""Figures by the hour, and the census of the tokens."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from auth_tokens.domain.analytics.census import Census, Slice
from auth_tokens.domain.analytics.figures import CleanupDebt, SourceFigure, StepFigure


class Rollups(Protocol):
    """Figures by the hour. Raises Unavailable."""

    def last_hour(self, now: int) -> int | None:
        """The newest hour that was counted."""

    def rolled_up_at(self, now: int) -> int | None:
        """When it was counted last."""

    def first_event_at(self) -> int | None:
        """When the oldest event was recorded."""

    def count_hour(self, hour: int) -> dict[str, int]:
        """Events of each type in an hour, counted from the events."""

    def count_between(self, since: int, before: int) -> dict[str, int]:
        """The same of any seconds."""

    def count_steps(self, since: int, before: int, step_s: int) -> list[StepFigure]:
        """The same of each step that is a whole number of seconds."""

    def sources_of_hour(self, hour: int) -> dict[bytes, int]:
        """Failed logins of the sources with most of them in an hour, counted from the events."""

    def keep_hour(self, hour: int, events: Mapping[str, int], sources: Mapping[bytes, int], now: int) -> None:
        """Replace what is kept of an hour: all or nothing."""

    def figures(self, since: int, before: int, step_s: int) -> list[StepFigure]:
        """What is kept of the hours from `since` and before `before`."""

    def figures_of_steps(self, starts: Sequence[int], before: int) -> list[StepFigure]:
        """The same by steps of any length, for the hours that begin in them."""

    def top_sources(self, since: int, before: int, limit: int) -> list[SourceFigure]:
        """Most failures first."""

    def forget_from(self, hour: int) -> None:
        """Drop the counts of events from an hour on, so that they are counted again."""

    def cleanup_debt(self, before: int) -> CleanupDebt:
        """Rows of auth_user_tokens that ended before the instant."""


class CensusTaker(Protocol):
    """The census of the tokens. Raises Unavailable."""

    def begun(self) -> Census | None:
        """The one under way, or what the next one needs to know; None before the first."""

    def count(self, census: Census, limit: int) -> Slice:
        """The rows after the last one counted, at most `limit`."""

    def keep(self, census: Census) -> None:
        """For the next run to go on."""

    def finish(self, census: Census, hour: int, following: Census) -> None:
        """Add its figures to those of an hour, and make way for the next: both or neither."""
