"""Cut-offs: «everything before T has ended», in one entry. Every method raises Unavailable."""

from collections.abc import Sequence
from typing import Protocol

from auth_tokens.domain.cutoff_marks import MarkedCutoff
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.events import SecurityEvent


class Cutoffs(Protocol):
    """Table auth_token_cutoffs."""

    def decide(self, cutoff: Cutoff, event: SecurityEvent) -> Cutoff | None:
        """Put a cut-off in force, with its event. Where one of the same client ends as much or more, nothing is written
        but, if it ends as much, the later decision; returns that one. None where the new one is in force now."""

    def in_force(self) -> Sequence[MarkedCutoff]:
        """All of them: one a client, and one of all clients, at most."""


class CutoffMarks(Protocol):
    """Rows of auth_user_tokens that a cut-off covers."""

    def unmarked(self, decided_by: int) -> Sequence[MarkedCutoff]:
        """The cut-offs decided at an instant or before whose rows have not all been marked."""

    def mark(self, cutoff: Cutoff, after: bytes, rows: int) -> tuple[int, bytes]:
        """Of the next `rows` rows behind an id, mark those that the cut-off covers: one short transaction. Returns how
        many, and the id of the last row looked at: MAX_UUID where none is left."""

    def note(self, cutoff: Cutoff, marked_to: bytes) -> None:
        """Note that rows up to an id have been marked; nothing where a newer cut-off has taken its place."""
