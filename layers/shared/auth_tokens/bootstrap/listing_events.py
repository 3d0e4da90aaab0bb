"""For the operators' list of events."""

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.events import event_log
from auth_tokens.usecases.list_events import ListEventsDeps


def listing_events(shared: Container) -> ListEventsDeps:
    """Dependencies of the list of events."""
    return ListEventsDeps(event_log(shared), shared.clock)
