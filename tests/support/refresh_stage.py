"""What refresh meets, on either store: MemoryStage in milliseconds, MySqlStage on a database."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from auth_tokens.adapters.mysql.times import to_sql_or_null
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.rotation import Rotation
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.sign_ins import Account
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from tests.support.fakes import ROW_ID, USER, session_record
from tests.support.memory_world import POLICY, MemoryWorld
from tests.support.world import CALLER, START, Clock, World

BEARER, COOKIE = POLICY.lifetimes(TokenKind.REFRESH), POLICY.lifetimes(TokenKind.SESSION)


class Contended:
    """A store in which others act between read and write of a refresh or a step-up. meanwhile: what they do, one a
    write; refused: so many writes find the row changed."""

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
        return self._is_first() and bool(self._store.rotate(record, rotation))

    def raise_session(self, *write: Any) -> bool:
        return self._is_first() and bool(self._store.raise_session(*write))

    def _is_first(self) -> bool:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        is_refused = self.refused > 0
        self.refused -= is_refused
        return not is_refused


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


class MemoryStage(Stage):
    """Without a database, KMS or clock."""

    def __init__(self, kind: TokenKind = TokenKind.REFRESH) -> None:
        world = MemoryWorld()
        self.memory, self.users, keys = world.store, world.users, world.issuing.codec
        super().__init__(world.issuing, world.clock)
        self.users.accounts[USER.id] = Account(USER, None)
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
        self.users.accounts[USER.id] = Account(replace(USER, is_active=False), None)

    def delete_user(self) -> None:
        del self.users.accounts[USER.id]


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
