"""Who asks, and from where."""

from dataclasses import dataclass

from auth_tokens.domain.networks import network_of, site_of
from auth_tokens.domain.places import Place


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request came from, as the gateway states it (requestContext).

    place: as CloudFront states it. Without CloudFront a client may claim any place, so a place is shown and compared,
    and never decides about a request. principal: who signed the request (IAM), the same for all sessions of a role;
    empty on unsigned routes and for direct invocation. request_id: as in the log line. actor: who acts on somebody
    else's account (docs/reference/events.md has the forms), empty where users act for themselves; actor_session: the
    session that an operator acts from. arrived_at: epoch seconds, when the request came to the gateway; None where
    that is unknown.
    """

    address: str = ""
    user_agent: str = ""
    place: Place | None = None
    principal: str = ""
    request_id: str = ""
    actor: str = ""
    actor_session: str = ""
    arrived_at: int | None = None

    @property
    def act(self) -> dict[str, str]:
        """Who acts, for events and log lines; empty where users act for themselves."""
        members = {"actor": self.actor, "actor_session": self.actor_session}
        return {name: value for name, value in members.items() if value}

    @property
    def network(self) -> str:
        """The network of the address, wherever an address is a key."""
        return network_of(self.address)

    @property
    def site(self) -> str:
        """The /48 of an IPv6 address; for IPv4 the same as network."""
        return site_of(self.address)

    @property
    def detail(self) -> dict[str, str | int]:
        """The members of an event about the caller, beyond the keyed hash of the network."""
        place = {"place": self.place.text} if self.place else {}
        return {**place, **({"request_id": self.request_id} if self.request_id else {}), **self.act}


# No request: a schedule, or a test.
NO_CALLER = Caller()
