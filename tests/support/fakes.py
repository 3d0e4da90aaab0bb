"""The ports in memory: what the adapters and use cases stand on, without a database, KMS or clock."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from auth_tokens.adapters.access_jwt.kms_keys import KmsSigningKeys
from auth_tokens.adapters.access_jwt.signer import AccessTokenSigner, private_key
from auth_tokens.adapters.access_jwt.signing_keys import SigningKeyMaker
from auth_tokens.adapters.ids_by_span import SPAN_S
from auth_tokens.adapters.kms.client import KmsClient
from auth_tokens.adapters.kms.keyring import KeyRing
from auth_tokens.adapters.kms.unwrapped_keys import UnwrappedKeyCache
from auth_tokens.adapters.revocation_log import LogAnswer, LogGroup
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.keys import KeyState, PublicKeyRow, Purpose, StoredKey
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.domain.tokens import ChainKeys, TokenCodec, TokenKind
from tests.support.world import START, Clock, RecordedTelemetry

KEY_MAX_AGE_S = 43_200
USER = User("11111111-1111-7111-8111-111111111111", "alice@example.com", is_active=True, labels=("admin",))
ROW_ID = bytes.fromhex("0190000000007000800000000000000a")
DEVICE_ID = bytes.fromhex("0190000000007000800000000000000d")


class FakeKeyTable:
    """auth_token_keys. Counts its reads; out of reach while `is_down`."""

    def __init__(self, rows: Iterable[StoredKey] = ()) -> None:
        self.rows = list(rows)
        self.reads = 0
        self.is_down = False

    def all(self) -> list[StoredKey]:
        self._touch()
        kept = [row for row in self.rows if row.state is not KeyState.GONE]
        return sorted(kept, key=lambda row: (row.purpose.value, row.epoch))

    def public(self) -> list[PublicKeyRow]:
        return [
            PublicKeyRow(row.kid, row.algorithm, row.public_jwk)
            for row in self.all()
            if row.purpose is Purpose.SIGNING and row.public_jwk
        ]

    def of(self, purpose: Purpose) -> list[StoredKey]:
        self._touch()
        return sorted((row for row in self.rows if row.purpose is purpose), key=lambda row: row.epoch)

    def insert(self, key: StoredKey) -> bool:
        self._touch()
        for row in self.rows:
            if row.kid == key.kid or (row.purpose, row.epoch) == (key.purpose, key.epoch):
                return False
        self.rows.append(key)
        return True

    def advance(self, kid: str, before: KeyState, after: KeyState, now: int) -> bool:
        self._touch()
        for index, row in enumerate(self.rows):
            if row.kid == kid and row.state is before:
                wrapped = None if after is KeyState.GONE else row.wrapped_key
                self.rows[index] = replace(row, state=after, changed_at=now, wrapped_key=wrapped)
                return True
        return False

    def _touch(self) -> None:
        self.reads += 1
        if self.is_down:
            raise Unavailable("database error 2003")


class FakeKeyWrapper:
    """KMS: a ciphertext opens only with the context it was made with. Unlike moto it can be denied."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.is_down = False
        self._contents: dict[bytes, tuple[bytes, dict[str, str]]] = {}

    def wrap(self, plaintext: bytes, context: dict[str, str]) -> bytes:
        self._call("wrap", context)
        blob = b"wrapped-%d" % len(self._contents)
        self._contents[blob] = (plaintext, context)
        return blob

    def unwrap(self, ciphertext: bytes, context: dict[str, str]) -> bytes:
        self._call("unwrap", context)
        plaintext, expected = self._contents.get(ciphertext, (b"", None))
        if context != expected:
            raise Unavailable("kms decrypt: InvalidCiphertextException")
        return plaintext

    def _call(self, name: str, context: dict[str, str]) -> None:
        self.calls.append(f"{name} {context['purpose']}")
        if self.is_down:
            raise Unavailable("kms: AccessDeniedException")


class FakeTokenStore:
    """auth_user_tokens for those who only read it. Counts its reads."""

    def __init__(self, *records: TokenRecord) -> None:
        self.records = {record.id: record for record in records}
        self.denied: set[bytes] = set()
        self.reads = 0
        self.touched: list[tuple[bytes, int, int]] = []

    def load(self, token_id: bytes) -> TokenRecord | None:
        self.reads += 1
        return self.records.get(token_id)

    def load_device(self, device_id: bytes) -> tuple[TokenRecord, int] | None:
        record = self.load(device_id)
        return (record, 0) if record else None

    def load_session(self, session_id: bytes, jti: bytes) -> TokenRecord | None:
        self.reads += 1
        return None if jti in self.denied else self.records.get(session_id)

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        self.touched.append((record.id, at, expires_at))

    def deny_access_token(self, claims: AccessClaims, event: object) -> None:
        jti = parse_uuid(claims.jti or "")
        assert jti is not None
        self.denied.add(jti)

    def revoke(self, token_id: bytes, reason: object, event: object) -> bool:
        record = self.records[token_id]
        self.records[token_id] = replace(record, revoked_at=START)
        return record.revoked_at is None


class FakeRevocationSource:
    """What the feed polls. Records the instants it was asked from; out of reach while `is_down`."""

    def __init__(self) -> None:
        self.rows: list[tuple[bytes, int]] = []
        self.asked_since: list[int] = []
        self.points_asked = 0
        self.is_down = False
        self.hangs: Callable[[], object] = lambda: None

    def revoked_since(self, instant: int, limit: int) -> list[tuple[bytes, int]]:
        self.asked_since.append(instant)
        self.hangs()
        self._reach()
        return [row for row in self.rows if row[1] >= instant][:limit]

    def exceeds(self, instant: int, limit: int) -> bool:
        self._reach()
        return sum(at >= instant for _, at in self.rows) > limit

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        self.points_asked += 1
        self._reach()
        return any(identifier in ids for identifier, _ in self.rows)

    def _reach(self) -> None:
        if self.is_down:
            raise Unavailable("database error 2003")


def chain_keys(epoch: int) -> ChainKeys:
    """Keys of an epoch that protect nothing, all different."""
    return ChainKeys(epoch, *(sha256(b"%d %d" % (epoch, part)).digest() for part in (1, 2, 3)))


class FakeRevocationLog:
    """auth_token_revocations, as a LogSource. Each row is (ids, written_at, keep_until); a number that is missing was
    rolled back, or has not been committed yet. Records the windows read; out of reach while `is_down`."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[bytes, int, int]] = {}
        self.numbers = 0
        self.cutoffs: list[Cutoff] = []
        self.now_s: int | None = None  # None: that of the last row
        self.reads: list[tuple[int, int, list[int]]] = []
        self.points_asked = 0
        self.is_down = False
        self.hangs: Callable[[], object] = lambda: None

    def clean(self, now: int) -> None:
        """As cleanup: from the low end, and never the last row."""
        for number in sorted(self.rows)[:-1]:
            if self.rows[number][2] > now:
                return
            del self.rows[number]

    def take_number(self) -> int:
        self.numbers += 1
        return self.numbers

    def write(
        self, *ids: bytes, now: int = START, keep_until: int = START + 700, number: int | None = None
    ) -> None:
        halves = b"".join(identifier[8:] for identifier in ids)
        self.rows[number or self.take_number()] = (halves, now, keep_until)

    def read(self, start: int, end: int, missing: Sequence[int]) -> LogAnswer:
        self.reads.append((start, end, list(missing)))
        self.hangs()
        self._reach()
        groups: dict[tuple[int, int, int], list[int]] = {}
        for number in sorted(n for n in self.rows if start <= n < end or n in missing):
            ids, _, keep_until = self.rows[number]
            alone = number if len(ids) > 8 else 0
            groups.setdefault((number // 64, keep_until // SPAN_S, alone), []).append(number)
        last = self.rows[max(self.rows)][1] if self.rows else 0
        return LogAnswer(
            [self._group(page, numbers) for (page, _, _), numbers in groups.items()],
            list(self.cutoffs),
            min((number for number in self.rows if number >= end), default=None),
            last if self.now_s is None else self.now_s,
        )

    def width(self) -> int:
        self._reach()
        return max(self.rows) - min(self.rows) + 1 if self.rows else 0

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        self.points_asked += 1
        self._reach()
        return any(identifier[8:] in halves for identifier in ids for halves, _, _ in self.rows.values())

    def _group(self, page: int, numbers: list[int]) -> LogGroup:
        rows = [self.rows[number] for number in numbers]
        seen = sum(1 << number % 64 for number in numbers)
        ids = b"".join(halves for halves, _, _ in rows)
        return LogGroup(page, seen, max(row[1] for row in rows), max(row[2] for row in rows), ids)

    def _reach(self) -> None:
        if self.is_down:
            raise Unavailable("database error 2003")


def codec(*epochs: int) -> TokenCodec:
    """A codec that knows these epochs (by default the first)."""
    known = {epoch: chain_keys(epoch) for epoch in epochs or (1,)}
    return TokenCodec(known.get)


def session_record(now: int = START, **changes: object) -> TokenRecord:
    """A live session's row."""
    record = TokenRecord(
        id=ROW_ID,
        kind=TokenKind.REFRESH,
        user_id=USER.id,
        device_id=DEVICE_ID,
        client_id="portal-web",
        scope="portal:read portal:write",
        generation=0,
        token_hash=b"h" * 32,
        key_epoch=1,
        retry_key_hash=None,
        rotated_at=None,
        created_at=now,
        last_used_at=now,
        auth_time=now,
        acr="urn:acr",
        amr=("pwd",),
        expires_at=now + 10_000,
        absolute_expires_at=now + 20_000,
        owner=USER,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def key_ring(
    table: Any,
    wrapper: Any,
    clock: Callable[[], int] | None = None,
    telemetry: RecordedTelemetry | None = None,
    *,
    may_create: bool = False,
) -> KeyRing:
    """The data keys of one more environment."""
    return KeyRing(
        table,
        wrapper,
        clock or Clock(),
        telemetry or RecordedTelemetry(),
        max_age_s=KEY_MAX_AGE_S,
        may_create=may_create,
    )


def signer(
    table: Any,
    wrapper: Any,
    clock: Callable[[], int] | None = None,
    *,
    algorithm: str = "ES256",
    kms: Any = None,
    kms_key_ids: Sequence[str] = (),
) -> AccessTokenSigner:
    """The signer of one more environment. kms: a client as boto3 makes them, for SIGNING_MODE=kms."""
    now = clock or Clock()
    held = UnwrappedKeyCache(wrapper, now, RecordedTelemetry(), KEY_MAX_AGE_S, private_key)
    keys = KmsSigningKeys(KmsClient(lambda: kms), kms_key_ids)
    return AccessTokenSigner(table, held, keys, SigningKeyMaker(wrapper, keys, algorithm), now)


class FakeBus:
    """Port EventBus. Refuses events of the users in `refused`; takes nothing while `is_down`; takes and then dies
    while `dies`."""

    def __init__(self) -> None:
        self.taken: list[RecordedEvent] = []
        self.requests = 0
        self.refused: set[str | None] = set()
        self.is_down = False
        self.dies = False

    def publish(self, events: Sequence[RecordedEvent]) -> frozenset[bytes]:
        self.requests += 1
        if self.is_down:
            raise Unavailable("events put_events: EndpointConnectionError")
        refused = frozenset(event.id for event in events if event.user_id in self.refused)
        self.taken += [event for event in events if event.id not in refused]
        if self.dies:
            raise RuntimeError("the environment is gone")
        return refused
