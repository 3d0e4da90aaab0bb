"""The ports of the use cases in memory. The tests of use cases pass on these and on a database (tests/integration),
which holds these true."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any

from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.claims import AccessClaims, check_claims
from auth_tokens.domain.ends import EVERYTHING, RevocationScope
from auth_tokens.domain.errors import InvalidAccessToken
from auth_tokens.domain.events import RevokeReason, SecurityEvent
from auth_tokens.domain.ids import MAX_UUID
from auth_tokens.domain.limits import Limit
from auth_tokens.domain.lists import DevicePlace, SessionOnDevice
from auth_tokens.domain.login_limits import Bucket, Levels, Settlement, Take
from auth_tokens.domain.policy import TOUCH_INTERVAL_S
from auth_tokens.domain.rotation import Rotation
from auth_tokens.domain.sessions import LiveDevice, LiveSession, TokenRecord, User, is_same_account
from auth_tokens.domain.sign_ins import Account, LiveRows, SessionStart, SignIn, SignInOvertaken
from auth_tokens.domain.tokens import OpaqueToken, TokenKind

SESSION_KINDS = (TokenKind.REFRESH, TokenKind.SESSION)
_LATEST = 2**33


@dataclass
class MemoryUsers:
    """Port ports.accounts.Portal. stops: user id → the number and the instant of the last end of everything."""

    accounts: dict[str, Account] = field(default_factory=dict)
    stops: dict[str, tuple[int, int]] = field(default_factory=dict)

    def account_by_name(self, canonical_name: str) -> Account | None:
        named = [id for id, account in self.accounts.items() if account.user.username == canonical_name]
        return self.account_by_id(named[0]) if named else None

    def account_by_id(self, user_id: str) -> Account | None:
        account = self.accounts.get(user_id)
        return replace(account, stop_number=self.stop_number(user_id)) if account else None

    upgrades_hashes = True

    def upgrade_password_hash(self, user_id: str, old_hash: str, new_hash: str) -> bool:
        account = self.accounts[user_id]
        is_same = account.password_hash == old_hash
        if is_same:
            self.accounts[user_id] = replace(account, password_hash=new_hash)
        return is_same

    def stop_number(self, user_id: str) -> int:
        return self.stops.get(user_id, (0, 0))[0]

    def stop(self, user_id: str, stopped_at: int, now: int) -> None:
        number, until = self.stops.get(user_id, (0, stopped_at))
        self.stops[user_id] = (max(number + 1, now * 1000), max(until, stopped_at))

    def admits(self, sign_in: SignIn) -> bool:
        """The conditions of adapters.mysql.standing."""
        account = self.accounts.get(sign_in.user_id)
        number, stopped_at = self.stops.get(sign_in.user_id, (0, -1))
        if account is None or not account.user.is_active:
            return False
        if sign_in.password_hash is not None and account.password_hash != sign_in.password_hash:
            return False
        return number <= sign_in.stop_number or stopped_at < sign_in.at


class MemoryTokens:
    """Port ports.tokens.TokenStore, with the conditions of the statements in adapters/mysql."""

    def __init__(self, users: MemoryUsers | None = None) -> None:
        self.users = users or MemoryUsers()
        self.rows: dict[bytes, TokenRecord] = {}
        self.events: list[SecurityEvent] = []
        self.denied: set[bytes] = set()

    def load(self, token_id: bytes) -> TokenRecord | None:
        row = self.rows.get(token_id)
        return self._owned(row) if row else None

    def load_all(self, token_ids: Sequence[bytes]) -> list[TokenRecord]:
        found = [self.load(token_id) for token_id in sorted(set(token_ids))]
        return [record for record in found if record is not None]

    def load_session(self, session_id: bytes, jti: bytes) -> TokenRecord | None:
        return None if jti in self.denied else self.load(session_id)

    def load_device(self, device_id: bytes) -> tuple[TokenRecord, int] | None:
        row = self.load(device_id)
        return (row, self.users.stop_number(row.user_id)) if row else None

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        row = self._unchanged(record)
        if row and row.last_used_at <= at - TOUCH_INTERVAL_S:
            self.rows[row.id] = replace(row, last_used_at=at, expires_at=expires_at)

    def rotate(self, record: TokenRecord, rotation: Rotation) -> bool:
        row = self.load(record.id)
        is_as_read = row and (row.generation, row.token_hash) == (record.generation, record.token_hash)
        if row is None or not is_as_read or not row.is_in_force(rotation.at):
            return False
        if rotation.raised and not self._may_be_raised(row, record, rotation.raised):
            return False
        self.rows[record.id] = replace(rotation.applied_to(row), rotated_at=rotation.at)
        self.events += rotation.events
        return True

    def raise_session(
        self, record: TokenRecord, raised: Authentication, event: SecurityEvent, at: int
    ) -> bool:
        row = self.load(record.id)
        is_as_read = row and row.generation == record.generation and row.is_in_force(at)
        if row is None or not is_as_read or not self._may_be_raised(row, record, raised):
            return False
        self.rows[row.id] = raised.of(row)
        self.events.append(event)
        return True

    def note_access_token(self, record: TokenRecord, at: int, access_expires_at: int) -> bool:
        row = self._unchanged(record)
        if row is None:
            return False
        noted = max(row.access_expires_at or 0, access_expires_at)
        self.rows[record.id] = replace(row, access_expires_at=noted)
        return noted != row.access_expires_at

    def start_session(
        self, sign_in: SignIn, plan: Callable[[LiveRows], SessionStart | None]
    ) -> SessionStart | None:
        if not self.users.admits(sign_in):
            raise SignInOvertaken
        if sign_in.session_id in self.rows:
            return None
        start = plan(self._live_rows(sign_in))
        if start is not None:
            for row_id in start.ended.ids:
                row = self.rows[row_id]
                is_replaced = row.device_id == start.session.device_id or row_id == start.ended.replaced
                self._end(row, start.session.created_at, "replaced" if is_replaced else "evicted")
            self.rows[start.session.id] = start.session
            self.rows[start.device.id] = start.device
            self.events += start.events
        return start

    def start_session_of(
        self, sign_in: SignIn, plan: Callable[[User, LiveRows], SessionStart | None]
    ) -> SessionStart | None:
        account = self.users.account_by_id(sign_in.user_id)
        if account is None:
            raise SignInOvertaken
        return self.start_session(sign_in, partial(plan, account.user))

    def revoke(self, token_id: bytes, reason: RevokeReason, event: SecurityEvent) -> bool:
        return self._revoke([row for row in self.rows.values() if row.id == token_id], reason, event) > 0

    def revoke_device(
        self, device_id: bytes, user_id: str, reason: RevokeReason, *events: SecurityEvent
    ) -> int:
        rows = [row for row in self.rows.values() if (row.device_id, row.user_id) == (device_id, user_id)]
        return self._revoke(rows, reason, *events)

    def revoke_user(
        self, user_id: str, reason: RevokeReason, event: SecurityEvent, extent: RevocationScope = EVERYTHING
    ) -> int:
        began_by = _LATEST if extent.began_by is None else extent.began_by
        self.users.stop(user_id, event.at if extent.began_by is None else extent.began_by, event.at)
        kinds = SESSION_KINDS if extent.keep_devices else (*SESSION_KINDS, TokenKind.DEVICE)
        rows = [
            row
            for row in self.rows.values()
            if row.user_id == user_id
            and row.kind in kinds
            and row.id not in (extent.keep_session, extent.keep_device)
            and row.began_at <= began_by
        ]
        return self._revoke(rows, reason, event)

    def knows_user(self, user_id: str) -> bool:
        return user_id in self.users.accounts or any(row.user_id == user_id for row in self.rows.values())

    def deny_access_token(self, claims: AccessClaims, event: SecurityEvent) -> None:
        self.denied.add(claims.token_id)
        self.events.append(event)

    def session_list(
        self, user_id: str, now: int, limit: int, after: tuple[int, bytes] | None, reused_since: int
    ) -> list[SessionOnDevice]:
        sessions = [row for row in self._of(user_id, *SESSION_KINDS) if row.revoke_reason == "reuse"]
        reused = [row for row in sessions if (row.revoked_at or 0) >= reused_since and after is None]
        live = [
            row
            for row in self._of(user_id, *SESSION_KINDS)
            if row.revoked_at is None
            and row.expires_at > now
            and (row.last_used_at, row.id) < (after or (_LATEST, MAX_UUID))
        ]
        live.sort(key=lambda row: (row.last_used_at, row.id), reverse=True)
        return [self._on_device(row) for row in (*reused, *live[:limit])]

    def live_devices(
        self, user_id: str, now: int, limit: int, after: DevicePlace | None
    ) -> list[TokenRecord]:
        end = after or DevicePlace(is_remembered=True, last_used_at=_LATEST, id=MAX_UUID)
        live = [
            row
            for row in self._of(user_id, TokenKind.DEVICE)
            if row.revoked_at is None
            and row.expires_at > now
            and _device_order(row) < (end.is_remembered, end.last_used_at, end.id)
        ]
        return sorted(live, key=_device_order, reverse=True)[:limit]

    def rename_device(self, device: TokenRecord, metadata: bytes) -> bool:
        row = self._unchanged(device)
        if row is None or row.kind is not TokenKind.DEVICE:
            return False
        self.rows[row.id] = replace(row, metadata=metadata)
        return True

    def _owned(self, row: TokenRecord) -> TokenRecord:
        account = self.users.accounts.get(row.user_id)
        is_theirs = account and is_same_account(row.user_created_us, account.user.created_us)
        return replace(row, owner=account.user if account and is_theirs else None)

    def _may_be_raised(self, row: TokenRecord, read: TokenRecord, raised: Authentication) -> bool:
        account = self.users.accounts.get(row.user_id)
        is_as_verified = raised.password_hash in (None, account.password_hash if account else None)
        return row.auth_time <= raised.auth_time and row.acr == read.acr and is_as_verified

    def _unchanged(self, record: TokenRecord) -> TokenRecord | None:
        row = self.rows.get(record.id)
        is_same = row and row.generation == record.generation and row.revoked_at is None
        return row if is_same else None

    def _of(self, user_id: str, *kinds: TokenKind) -> list[TokenRecord]:
        return [row for row in self.rows.values() if row.user_id == user_id and row.kind in kinds]

    def _live_rows(self, sign_in: SignIn) -> LiveRows:
        live = [
            row
            for row in self._of(sign_in.user_id, *SESSION_KINDS, TokenKind.DEVICE)
            if row.revoked_at is None and row.expires_at > sign_in.at
        ]
        devices = [row for row in live if row.kind is TokenKind.DEVICE]
        return LiveRows(
            sessions=[
                LiveSession(row.id, row.device_id, row.created_at, row.last_used_at)
                for row in live
                if row not in devices
            ],
            devices=[LiveDevice(row.id, row.token_hash is not None, row.last_used_at) for row in devices],
            device=next((row for row in devices if row.id == sign_in.device_id), None),
        )

    def _on_device(self, row: TokenRecord) -> SessionOnDevice:
        device = self.rows.get(row.device_id or b"")
        return SessionOnDevice(
            row, device.metadata if device else None, device.generation if device else None
        )

    def _revoke(self, rows: Sequence[TokenRecord], reason: RevokeReason, *events: SecurityEvent) -> int:
        """No event where no row ended."""
        ended = [row for row in rows if row.revoked_at is None]
        for row in ended:
            self._end(row, events[0].at, reason.value)
        self.events += events if ended else ()
        return len(ended)

    def _end(self, row: TokenRecord, at: int, reason: str) -> None:
        if row.revoked_at is None:
            self.rows[row.id] = replace(row, revoked_at=at, revoke_reason=reason)


def _device_order(row: TokenRecord) -> tuple[bool, int, bytes]:
    return (row.token_hash is not None, row.last_used_at, row.id)


@dataclass
class MemoryBuckets:
    """Port ports.limits.AccountLimiter."""

    now_ms: Callable[[], int]
    tats: dict[Bucket, int] = field(default_factory=dict)

    def hit(self, limit: Limit, key: str) -> None:
        bucket = Bucket(limit, key)
        self.tats[bucket] = limit.taken(self.tats.get(bucket, 0), self.now_ms())

    def levels(self, buckets: Sequence[Bucket]) -> Levels:
        return Levels(self.now_ms(), {each: self.tats[each] for each in buckets if each in self.tats})

    def take(self, takes: Sequence[Take], at_ms: int) -> bool:
        levels = Levels(at_ms, self.tats)
        if not all(levels.has_room(take.bucket) for take in takes if take.step_ms):
            return False
        for take in takes:
            self.tats[take.bucket] = max(levels.tat_ms(take.bucket), at_ms) + take.step_ms
        return True

    def settle(self, settlements: Sequence[Settlement]) -> None:
        for each in settlements:
            left = max(self.tats.get(each.bucket, each.tat_ms), each.refund_ms) - each.refund_ms
            self.tats[each.bucket] = left if each.refund_ms else each.tat_ms


@dataclass
class MemoryEvents:
    """Port ports.events.EventLog."""

    recorded: list[SecurityEvent]

    def record(self, event: SecurityEvent) -> None:
        self.recorded.append(event)


class MemoryKeys:
    """Port ports.keys.Keys, of one epoch."""

    def chain_epoch(self) -> int:
        return 1

    def ready(self) -> None:
        """They always are."""

    def pseudonym(self, purpose: str, value: str) -> bytes:
        return sha256(f"{purpose} {value}".encode()).digest()[:16]

    def retry_key_hash(self, token: OpaqueToken, idempotency_key: str) -> bytes:
        return sha256(token.secret + idempotency_key.encode()).digest()


class OpenCipher:
    """Port ports.keys.Cipher: hides nothing, and opens only what belongs to the row and its generation."""

    def seal(self, plaintext: bytes, row_id: bytes, user_id: str, generation: int = 0) -> bytes:
        return b"%s %s %d|%s" % (row_id.hex().encode(), user_id.encode(), generation, plaintext)

    def open(self, ciphertext: bytes, row_id: bytes, user_id: str, generation: int = 0) -> bytes | None:
        bound = self.seal(b"", row_id, user_id, generation)
        return ciphertext.removeprefix(bound) if ciphertext.startswith(bound) else None


class PlainSigner:
    """Port ports.keys.Signer: the claims as they are."""

    def sign(self, claims: Mapping[str, Any]) -> str:
        return json.dumps(dict(claims))


@dataclass(frozen=True)
class PlainVerifier:
    """Port ports.keys.Verifier, for what PlainSigner signs."""

    issuer: str
    audience: str

    def verify(self, token: str, now: int) -> AccessClaims:
        try:
            payload = json.loads(token)
        except ValueError as exc:
            raise InvalidAccessToken("malformed") from exc
        return check_claims(payload, issuer=self.issuer, audience=self.audience, now=now)


class PlainPasswords:
    """Port ports.accounts.PasswordHasher: a hash is the password after a mark."""

    def __init__(self) -> None:
        self.verified: list[str | None] = []

    def verify(self, password: str, password_hash: str | None) -> bool:
        self.verified.append(password_hash)
        return password_hash in (f"old:{password}", f"new:{password}")

    def upgraded(self, password: str, password_hash: str) -> str | None:
        return None if password_hash.startswith("new:") else f"new:{password}"
