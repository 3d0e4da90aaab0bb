"""What refresh meets, on either store: MemoryStage in milliseconds, MySqlStage on a database."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.adapters.mysql.times import to_sql_or_null
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.events import RevokeReason, SecurityEvent
from auth_tokens.domain.rotation import Rotation
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.settings import Settings
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from tests.support.fakes import ROW_ID, codec, session_record
from tests.support.world import CALLER, START, Clock, RecordedTelemetry, World

# The defaults, as the tests on a database have them.
POLICY = Settings(
    issuer="https://tokens.test",
    audience="portal",
    clients={"portal-web": "portal:read portal:write", "portal-app": "portal:read"},
    db_host="none",
    db_name="none",
    db_user="none",
    kms_key_id="none",
).policy()
BEARER, COOKIE = POLICY.lifetimes(TokenKind.REFRESH), POLICY.lifetimes(TokenKind.SESSION)


class MemoryTokens:
    """Of TokenStore what refresh needs, with the conditions of ROTATE_TOKEN and REVOKE_ROW."""

    def __init__(self) -> None:
        self.rows: dict[bytes, TokenRecord] = {}
        self.events: list[SecurityEvent] = []

    def load(self, token_id: bytes) -> TokenRecord | None:
        return self.rows.get(token_id)

    def rotate(self, record: TokenRecord, rotation: Rotation) -> bool:
        row = self.rows.get(record.id)
        is_as_read = row and (row.generation, row.token_hash) == (record.generation, record.token_hash)
        if row is None or not is_as_read or not row.is_in_force(rotation.at):
            return False
        self.rows[record.id] = replace(rotation.applied_to(row), rotated_at=rotation.at)
        self.events += rotation.events
        return True

    def note_access_token(self, record: TokenRecord, at: int, access_expires_at: int) -> bool:
        row = self.rows.get(record.id)
        if row is None or row.revoked_at is not None or row.generation != record.generation:
            return False
        noted = max(row.access_expires_at or 0, access_expires_at)
        self.rows[record.id] = replace(row, access_expires_at=noted)
        return noted != row.access_expires_at

    def revoke(self, token_id: bytes, reason: RevokeReason, event: SecurityEvent) -> bool:
        row = self.rows.get(token_id)
        if row is None or row.revoked_at is not None:
            return False
        self.rows[token_id] = replace(row, revoked_at=event.at, revoke_reason=reason.value)
        self.events.append(event)
        return True


class Contended:
    """A store in which others act between a refresh's read and its write. meanwhile: what they do, one a write;
    refused: so many writes find the row changed."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.meanwhile: list[Callable[[], object]] = []
        self.refused = 0
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def load(self, token_id: bytes) -> TokenRecord | None:
        self.reads += 1
        found: TokenRecord | None = self._store.load(token_id)
        return found

    def rotate(self, record: TokenRecord, rotation: Rotation) -> bool:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        if self.refused:
            self.refused -= 1
            return False
        return bool(self._store.rotate(record, rotation))


class Stage:
    """A session of a user, and a client that refreshes it. pauses: the waits after lost races."""

    def __init__(self, deps: IssueDeps, clock: Clock) -> None:
        self.clock = clock
        self.pauses: list[int] = []
        self.store = Contended(deps.store)
        self.deps = replace(deps, store=cast(Any, self.store), pause=self.pauses.append)
        self.token = ""
        self.session_id = b""

    def refresh(self, token: str, caller: Caller = CALLER, **fields: Any) -> TokenAnswer:
        return refresh(RefreshRequest(token, **fields), caller, self.deps)

    def row(self) -> TokenRecord:
        found = self.deps.store.load(self.session_id)
        assert found is not None
        return found

    def change(self, **columns: int | str | None) -> None:
        """Set columns of the row; instants in epoch seconds."""
        raise NotImplementedError

    def events(self) -> list[str]:
        """The types of what refreshes told."""
        raise NotImplementedError

    def delete_row(self) -> None:
        raise NotImplementedError

    def disable_user(self) -> None:
        raise NotImplementedError

    def delete_user(self) -> None:
        raise NotImplementedError


class MemoryKeys:
    """Port ports.keys.Keys, of one epoch."""

    def chain_epoch(self) -> int:
        return 1

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


class MemoryStage(Stage):
    """Without a database, KMS or clock."""

    def __init__(self, kind: TokenKind = TokenKind.REFRESH) -> None:
        self.memory = MemoryTokens()
        clock, keys = Clock(), codec()
        none: Any = None  # refresh has no use for it
        super().__init__(
            IssueDeps(
                store=cast(Any, self.memory),
                portal=none,
                keys=MemoryKeys(),
                codec=keys,
                cipher=OpenCipher(),
                signer=PlainSigner(),
                passwords=none,
                limiter=none,
                presentations=MemoryLimiter(clock.milliseconds),
                events=none,
                clock=clock,
                new_id=lambda: uuid.uuid4().bytes,
                entropy=none,
                pause=none,
                policy=POLICY,
                issuer="https://tokens.test",
                audience="portal",
                telemetry=RecordedTelemetry(),
            ),
            clock,
        )
        token = keys.seeded(kind, 1, ROW_ID, 0, b"seed")
        expires_at, absolute_expires_at = POLICY.lifetimes(kind).ends(START, START)
        self.memory.rows[ROW_ID] = session_record(
            kind=kind,
            token_hash=keys.store_hash(token),
            expires_at=expires_at,
            absolute_expires_at=absolute_expires_at,
        )
        self.token, self.session_id = keys.encode(token), ROW_ID

    def change(self, **columns: Any) -> None:
        self.memory.rows[ROW_ID] = replace(self.memory.rows[ROW_ID], **columns)

    def events(self) -> list[str]:
        return [event.type.value for event in self.memory.events]

    def delete_row(self) -> None:
        del self.memory.rows[ROW_ID]

    def disable_user(self) -> None:
        owner = self.memory.rows[ROW_ID].owner
        assert owner is not None
        self.change(owner=replace(owner, is_active=False))

    def delete_user(self) -> None:
        self.change(owner=None)


class MySqlStage(Stage):
    """The same on a database, with real keys."""

    def __init__(self, world: World, kind: TokenKind = TokenKind.REFRESH) -> None:
        world.clock.now = START
        super().__init__(world.issuing, world.clock)
        self.world = world
        self.name = world.user()
        answer = world.login(self.name, kind=kind)
        self.user_id = world.user_id(self.name)
        self.token, self.session_id = answer.token, uuid.UUID(answer.session_id).bytes
        # Events of one millisecond have no order.
        self._of_the_sign_in = set(world.events(self.name))

    def change(self, **columns: int | str | None) -> None:
        for name, value in columns.items():
            stored = to_sql_or_null(value) if isinstance(value, int) and name.endswith("_at") else value
            self.world.sql(f"UPDATE auth_user_tokens SET {name} = %s WHERE id = %s", stored, self.session_id)

    def events(self) -> list[str]:
        return [told for told in self.world.events(self.name) if told not in self._of_the_sign_in]

    def delete_row(self) -> None:
        self.world.sql("DELETE FROM auth_user_tokens WHERE id = %s", self.session_id)

    def disable_user(self) -> None:
        self.world.disable(self.name)

    def delete_user(self) -> None:
        self.world.sql("DELETE FROM auth_users WHERE id = %s", self.user_id)
