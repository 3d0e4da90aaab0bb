"""What the use cases need of the world. Each port says what it does when the world is down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from auth_tokens.domain.census import Census, Slice
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.events import EventType, RecordedEvent, RevokeReason, SecurityEvent
from auth_tokens.domain.key_steps import Add, Advance
from auth_tokens.domain.keys import Purpose, StoredKey
from auth_tokens.domain.limits import Limit
from auth_tokens.domain.login_limits import Bucket, Levels, Settlement, Take
from auth_tokens.domain.networks import network_of, site_of
from auth_tokens.domain.places import Place
from auth_tokens.domain.sessions import LiveDevice, LiveSession, TokenRecord, User
from auth_tokens.domain.tokens import OpaqueToken

Clock = Callable[[], int]
"""Epoch seconds."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request came from, by the gateway's own word (requestContext).

    place: by CloudFront's word, where it is in front. Without it anybody may claim any place, so a place is
    shown and compared, and never decides about a request. principal: who signed the request (IAM), the same over
    the sessions of a role; empty on routes that take no signature, and for direct invocation.
    request_id: of the request, as its log line has it. actor: who acts on somebody else's account (docs/events.md
    has the forms), empty where users act for themselves; actor_session: the session that an operator acts from.
    arrived_at: epoch seconds, when the request came to the gateway; None where nobody says.
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
        """What the caller counts by, wherever an address is a key."""
        return network_of(self.address)

    @property
    def site(self) -> str:
        """The same, more loosely; of IPv4 the same."""
        return site_of(self.address)

    @property
    def detail(self) -> dict[str, str | int]:
        """What an event says of the caller, beyond the keyed hash of the network."""
        place = {"place": self.place.text} if self.place else {}
        return {**place, **({"request_id": self.request_id} if self.request_id else {}), **self.act}


# No request: a schedule, or a test.
NOBODY = Caller()


@dataclass(frozen=True, slots=True)
class Rotation:
    """The write that spends a token: everything that changes in its row; events: what is odd about it, mostly
    nothing, told in the same transaction."""

    generation: int
    token_hash: bytes
    key_epoch: int
    retry_key_hash: bytes | None
    at: int
    expires_at: int
    metadata: bytes
    events: Sequence[SecurityEvent] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A user with what only a sign-in needs. stop_number: of the last end of everything of this user."""

    user: User
    password_hash: str | None = field(repr=False)
    stop_number: int = 0


@dataclass(frozen=True, slots=True)
class SignIn:
    """Whose session is about to start, and what it relies on, which is looked at again, locked, as it starts.

    session_id: of the new session; device_id: of the device that the caller names or whose token opens the session, if
    any; at: when the sign-in began; stop_number: as it was read with the account; password_hash: the very one that
    was verified, None where no password was; user_created_us: which account of the user id it is.
    """

    user_id: str
    session_id: bytes
    device_id: bytes | None
    at: int
    stop_number: int
    password_hash: str | None = field(default=None, repr=False)
    user_created_us: int | None = None


class SignInOvertaken(Exception):
    """What a sign-in relies on went while it was running: the user was disabled, the password changed, or everything
    of the user ended. Nothing was written; each way of signing in has its own answer to it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user has as a session starts: the live sessions and devices, and of these the one named, whole."""

    sessions: Sequence[LiveSession]
    devices: Sequence[LiveDevice]
    device: TokenRecord | None


@dataclass(frozen=True, slots=True)
class EndedRows:
    """What ends for a new session. rows: the user's sessions and devices that make room, and the sessions of the same
    device, which are replaced; replaced: the session that the browser had until now, perhaps another user's."""

    rows: Sequence[bytes]
    replaced: bytes | None = None

    @property
    def ids(self) -> Sequence[bytes]:
        """Each once."""
        if self.replaced is None or self.replaced in self.rows:
            return self.rows
        return [*self.rows, self.replaced]


@dataclass(frozen=True, slots=True)
class SessionStart:
    """One transaction's worth of a new session. token, device_token: for the answer; the rows have their hashes."""

    session: TokenRecord
    device: TokenRecord
    ended: EndedRows
    events: Sequence[SecurityEvent]
    token: OpaqueToken
    device_token: OpaqueToken | None


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a user's ends; by default everything.

    began_by: only what began at this instant or before; keep_session, keep_device: these two stay; keep_devices: all
    devices stay.
    """

    began_by: int | None = None
    keep_session: bytes | None = None
    keep_device: bytes | None = None
    keep_devices: bool = False


EVERYTHING = Extent()


@dataclass(frozen=True, slots=True)
class DevicePlace:
    """Where a device stands in the list of its user's."""

    is_remembered: bool
    last_used_at: int
    id: bytes


@dataclass(frozen=True, slots=True)
class SessionOnDevice:
    """A session's row, and of its device's row what tells the name; None where there is no such row."""

    record: TokenRecord
    device_metadata: bytes | None
    device_generation: int | None


class TokenStore(Protocol):
    """Table auth_user_tokens. Every method raises Unavailable when the store is out of reach."""

    def load(self, token_id: bytes) -> TokenRecord | None:
        """The row with its owner, preferences and labels: one SELECT."""

    def load_session(self, session_id: bytes, jti: bytes) -> TokenRecord | None:
        """As load, but None if the access token `jti` was revoked on its own: still one SELECT."""

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        """Note a use of a live session and move its idle end."""

    def rotate(self, record: TokenRecord, rotation: Rotation) -> bool:
        """Spend the record's current generation: one conditional UPDATE. False: someone else changed the row."""

    def load_device(self, device_id: bytes) -> tuple[TokenRecord, int] | None:
        """The row with its owner, as load, and the owner's stop number: one SELECT."""

    def start_session(
        self, sign_in: SignIn, plan: Callable[[Standing], SessionStart | None]
    ) -> SessionStart | None:
        """All of what `plan` makes of the user's standing, or nothing; what it raises is raised.

        A user's calls come one after the other, and one after what ends everything of the user, so each plans on
        what the one before left. None: a session of this id is there already, by another call, or `plan` made none.
        Raises SignInOvertaken: what the sign-in relies on has gone since it was read.
        """

    def revoke(self, token_id: bytes, reason: RevokeReason, event: SecurityEvent) -> bool:
        """End one session or device row, with its event; False where it had ended already."""

    def revoke_device(
        self, device_id: bytes, user_id: str, reason: RevokeReason, *events: SecurityEvent
    ) -> int:
        """End a device's row and every session on it, with one event or more; how many rows ended."""

    def revoke_user(
        self, user_id: str, reason: RevokeReason, event: SecurityEvent, extent: Extent = EVERYTHING
    ) -> int:
        """End the sessions and devices of a user, all or to an extent, and stop the sign-ins that are running;
        how many rows ended."""

    def knows_user(self, user_id: str) -> bool:
        """Has the Portal such a user, or are there rows of one?"""

    def deny_access_token(self, claims: AccessClaims, event: SecurityEvent) -> None:
        """Remember a `jti` as revoked until its `exp`."""

    def session_list(
        self, user_id: str, now: int, limit: int, after: tuple[int, bytes] | None, reused_since: int
    ) -> list[SessionOnDevice]:
        """The live ones, newest use first; after: (last_used_at, id) of the last one seen. Before the first page's,
        those that ended by reuse since an instant: one SELECT."""

    def live_devices(
        self, user_id: str, now: int, limit: int, after: DevicePlace | None
    ) -> list[TokenRecord]:
        """The devices of a user, those that hold a token first, newest use first; after: the last one seen."""

    def rename_device(self, device: TokenRecord, metadata: bytes) -> bool:
        """Replace a live device's metadata; False where someone else changed the row meanwhile."""


class Portal(Protocol):
    """The Portal's own tables: read only, but for an upgraded password hash."""

    def account_by_name(self, canonical_name: str) -> Account | None:
        """The account whose canonical user name this is."""

    def account_by_id(self, user_id: str) -> Account | None:
        """The account of an id."""

    def upgrade_password_hash(self, user_id: str, old_hash: str, new_hash: str) -> bool:
        """Replace a hash; False where somebody changed it meanwhile."""


class Keys(Protocol):
    """Key material of this environment. Raises Unavailable when KMS or store is needed and out of reach."""

    def chain_epoch(self) -> int:
        """The epoch under which new tokens are made."""

    def pseudonym(self, purpose: str, value: str) -> bytes:
        """16 bytes that stand for a value (a network, an account) and cannot be turned back."""

    def retry_key_hash(self, token: OpaqueToken, idempotency_key: str) -> bytes:
        """32 bytes that stand for the Idempotency-Key with which a token is spent; by the token's own epoch."""


class Cipher(Protocol):
    """Encryption at rest, bound to the row it belongs to and, where rows move on, to their generation:
    an older ciphertext of the same row does not open. 0 for rows that are written once."""

    def seal(self, plaintext: bytes, row_id: bytes, user_id: str, generation: int = 0) -> bytes:
        """Ciphertext for this row only."""

    def open(self, ciphertext: bytes, row_id: bytes, user_id: str, generation: int = 0) -> bytes | None:
        """The plaintext; None if the ciphertext is not this row's or was tampered with."""


class Signer(Protocol):
    def sign(self, claims: Mapping[str, Any]) -> str:
        """An access token (JWT). Raises Unavailable."""


class Verifier(Protocol):
    def verify(self, token: str, now: int) -> AccessClaims:
        """The claims of a good access token. Raises InvalidAccessToken, Unavailable."""


class PasswordHasher(Protocol):
    def verify(self, password: str, password_hash: str | None) -> bool:
        """Is it the password? None costs the same and is False."""

    def upgraded(self, password: str, password_hash: str) -> str | None:
        """A hash by today's parameters, where this one is older."""


class Limiter(Protocol):
    """Fails open: an attempt that cannot be counted is let through, with a metric."""

    def hit(self, limit: Limit, key: str) -> None:
        """Count one attempt. Raises RateLimited."""


class AccountLimiter(Limiter, Protocol):
    """A limiter of several buckets together, all or none of them; the same in all environments. Fails open, too."""

    def levels(self, buckets: Sequence[Bucket]) -> Levels | None:
        """The buckets as they are now: one SELECT. None where they cannot be read."""

    def take(self, takes: Sequence[Take], at_ms: int) -> bool:
        """Count one attempt in each bucket: one write. False, and nothing counted: one of them has no room any more."""

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """What a success does to buckets: one write."""


class Reporter(Protocol):
    """What operators are told beside an outcome: the part of observability.Telemetry that use cases need."""

    def outcome(self, name: str, **fields: object) -> None:
        """One line. Ids and names only."""

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        """One metric value."""


class EventLog(Protocol):
    def record(self, event: SecurityEvent) -> None:
        """Write an event that belongs to no other write."""


class SessionRows(Protocol):
    """Browser sessions as an authorizer sees them: rows that may be some seconds old."""

    def load(self, session_id: bytes, generation: int) -> TokenRecord | None:
        """The row with its owner; generation: of the token at hand, no row from before it will do."""

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        """As TokenStore.touch, but a store out of reach is nobody's fault here."""


class RevocationFeed(Protocol):
    def is_revoked(self, *ids: bytes) -> bool:
        """Is one of these sessions or access tokens revoked, as of the feed's stated staleness?

        Raises Unavailable once the feed is older than it may be (fails closed).
        """


class EventQuery(Protocol):
    def page(
        self, before: bytes, since: int, user_id: str | None, kind: EventType | None, limit: int
    ) -> list[RecordedEvent]:
        """Newest first, ids below `before`."""


class Outbox(Protocol):
    """The events that have yet to go to the bus."""

    def pending(self, after: bytes, before: int, limit: int) -> list[RecordedEvent]:
        """In order, ids above `after`, older than the instant `before`."""

    def mark_published(self, ids: Sequence[bytes], at: int) -> None:
        """They have gone."""

    def oldest_pending_at(self) -> int | None:
        """When the oldest was told; None where none is pending."""


class EventBus(Protocol):
    def publish(self, events: Sequence[RecordedEvent]) -> frozenset[bytes]:
        """The ids of those that the bus did not take. Raises Unavailable: it may have taken some or none."""


class Leases(Protocol):
    """One run of a job at a time. Raises Unavailable."""

    def take(self, job: str, until_ms: int, now_ms: int) -> bool:
        """Hold the job until then; False where another run holds it now."""

    def release(self, job: str, until_ms: int) -> None:
        """Give up a lease that was taken until then."""


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


class Rollups(Protocol):
    """Figures by the hour. Raises Unavailable."""

    def last_hour(self, now: int) -> int | None:
        """The newest hour that was counted."""

    def rolled_up_at(self, now: int) -> int | None:
        """When it was counted last."""

    def first_event_at(self) -> int | None:
        """When the oldest event was told."""

    def count_hour(self, hour: int) -> dict[str, int]:
        """Events of each type in an hour, counted from the events."""

    def sources_of_hour(self, hour: int) -> dict[bytes, int]:
        """Failed logins of the sources with most of them in an hour, counted from the events."""

    def keep_hour(self, hour: int, events: Mapping[str, int], sources: Mapping[bytes, int], now: int) -> None:
        """Replace what is kept of an hour: all or nothing."""

    def figures(self, since: int, before: int, step_s: int) -> list[StepFigure]:
        """What is kept of the hours from `since` and before `before`."""

    def top_sources(self, since: int, before: int, limit: int) -> list[SourceFigure]:
        """Most failures first."""

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


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch of deletions came to. refused: rows that the database would not delete, stepped over;
    is_last: nothing more is due, as far as others do not hold it."""

    deleted: int
    refused: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Debt:
    """What is due and still there. rows: counted up to a bound; age_s: how long the oldest has been due."""

    rows: int
    age_s: int


class Purge(Protocol):
    """One table's rows past their end and retention. Each batch is its own commit, in index order."""

    name: str

    def delete_batch(self, now: int, rows: int) -> Batch:
        """Delete at most so many rows that are due. Raises Unavailable, and then nothing was deleted."""

    def debt(self, now: int) -> Debt:
        """What is left from where the walk stands: one bounded count."""


class KeyRegister(Protocol):
    """The keys as rotate_keys walks them. Raises Unavailable."""

    def of(self, purpose: Purpose) -> list[StoredKey]:
        """Every key that a purpose ever had, oldest first."""

    def add(self, step: Add, now: int) -> bool:
        """Make a key; False where there is none to make, or its epoch is taken."""

    def advance(self, step: Advance, now: int) -> bool:
        """Move a key on; False where another run has done it."""
