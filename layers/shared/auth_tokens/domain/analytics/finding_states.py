"""What has become of a finding. Its state is the last change of it, so who changed it, when and why is kept with it."""

from collections.abc import Sequence
from enum import Enum

from auth_tokens.domain.events import RecordedEvent


class FindingState(Enum):
    """open: nobody has said anything; acknowledged: somebody looks into it; closed: done with."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


def state_of(changes: Sequence[RecordedEvent]) -> FindingState:
    """changes: of one finding, newest first."""
    return FindingState(changes[0].detail.get("state", "open")) if changes else FindingState.OPEN
