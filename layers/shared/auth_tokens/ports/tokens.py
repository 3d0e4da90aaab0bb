"""Rows of sessions and devices, and recent revocations."""

from collections.abc import Callable, Sequence
from typing import Protocol

from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.ends import EVERYTHING, RevocationScope
from auth_tokens.domain.events import RevokeReason, SecurityEvent
from auth_tokens.domain.lists import DevicePlace, SessionOnDevice
from auth_tokens.domain.rotation import Rotation
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.domain.sign_ins import LiveRows, SessionStart, SignIn


class TokenStore(Protocol):
    """Table auth_user_tokens. Every method raises Unavailable when the store is out of reach."""

    def load(self, token_id: bytes) -> TokenRecord | None:
        """The row with its owner, preferences and labels: one SELECT."""

    def load_all(self, token_ids: Sequence[bytes]) -> list[TokenRecord]:
        """Those of some rows that are there, each as load has it, in no order: one SELECT."""

    def load_session(self, session_id: bytes, jti: bytes) -> TokenRecord | None:
        """As load, but None if the access token `jti` was revoked on its own: still one SELECT."""

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        """Note a use of a live session and move its idle end."""

    def rotate(self, record: TokenRecord, rotation: Rotation) -> bool:
        """Spend the record's current generation, and raise the session where the rotation says so: one conditional
        UPDATE. False: someone else changed the row."""

    def raise_session(
        self, record: TokenRecord, raised: Authentication, event: SecurityEvent, at: int
    ) -> bool:
        """Let a live session's authentication be another one, with its event, and spend nothing. at: epoch seconds.
        False: someone else changed the row, or the Portal the user."""

    def note_access_token(self, record: TokenRecord, at: int, access_expires_at: int) -> bool:
        """Note that a live session gets an access token that lives until then. False: someone else changed the row."""

    def load_device(self, device_id: bytes) -> tuple[TokenRecord, int] | None:
        """The row with its owner, as load, and the owner's stop number: one SELECT."""

    def start_session(
        self, sign_in: SignIn, plan: Callable[[LiveRows], SessionStart | None]
    ) -> SessionStart | None:
        """Write all that `plan` makes of the user's live rows, or nothing; what it raises is raised.

        The calls of one user are serialised, also with those that end everything of the user, so `plan` sees what the
        call before left. None: another call has started a session with this id, or `plan` returned None.
        Raises SignInOvertaken: a condition of the sign-in no longer holds.
        """

    def start_session_of(
        self, sign_in: SignIn, plan: Callable[[User, LiveRows], SessionStart | None]
    ) -> SessionStart | None:
        """The same for a user who was not read before, at no statement more. Raises KeysChanged, too."""

    def revoke(self, token_id: bytes, reason: RevokeReason, event: SecurityEvent) -> bool:
        """End one session or device row, with its event; False where it had ended already."""

    def revoke_device(
        self, device_id: bytes, user_id: str, reason: RevokeReason, *events: SecurityEvent
    ) -> int:
        """End a device's row and every session on it, with one event or more; how many rows ended."""

    def revoke_user(
        self, user_id: str, reason: RevokeReason, event: SecurityEvent, extent: RevocationScope = EVERYTHING
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


class SessionRows(Protocol):
    """Rows of browser sessions: current, or some seconds old from an authorizer's cache."""

    def load(self, session_id: bytes, generation: int) -> TokenRecord | None:
        """The row with its owner; generation: of the presented token; an older row is not used.

        Raises Unavailable; InvalidAccessToken where a feed knows the session as revoked.
        """

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        """As TokenStore.touch; with a cache, a store out of reach is no error."""


class RevocationFeed(Protocol):
    def is_revoked(self, *ids: bytes) -> bool:
        """Is one of these sessions or access tokens revoked, as of the feed's stated staleness?

        Raises Unavailable once the feed is older than it may be (fails closed).
        """

    def cutoffs(self) -> Sequence[Cutoff]:
        """As of the last answer of is_revoked."""
