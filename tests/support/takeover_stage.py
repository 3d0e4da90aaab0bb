"""A Portal by its own packages, and the service beside it on a schema of its own, on one database server."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.revoke_legacy import revoke_legacy_token
from auth_tokens.usecases.take_over import TakeoverRequest, is_legacy, take_over
from auth_tokens.usecases.takeover_deps import LegacyEndDeps, TakeoverDeps
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from tests.support import wiring
from tests.support.legacy_portal import LegacyPortal, mapping, running_portal, written
from tests.support.world import CALLER, World

SECRET = bytes(range(32))


@dataclass
class Stage:
    """The clock is the machine's, as the Portal's process has that. folder: for mappings."""

    world: World
    portal: LegacyPortal
    deps: TakeoverDeps
    folder: Path
    _users: list[str] = field(default_factory=list)
    _guessers: int = 0

    def __post_init__(self) -> None:
        self.ends = ends_of(self.world.shared)

    def user(self) -> str:
        """The id of a new user of the Portal."""
        if not self._users:
            self._users = self.portal.people(20)
        return self._users.pop()

    def token(self, user: str | None = None, **members: Any) -> str:
        """A token of the Portal, of a new user where none is named. The clock is not behind its sign-in."""
        token = self.portal.sign_in(user or self.user(), **members)
        self.world.clock.now = max(self.world.clock.now, int(time.time()))
        return token

    def take_over(
        self,
        token: str,
        kind: TokenKind = TokenKind.REFRESH,
        deps: TakeoverDeps | None = None,
        caller: Caller = CALLER,
        tick: int = 1,
        **options: Any,
    ) -> TokenAnswer:
        """tick: seconds later, so that no call meets the limit of another; deps: another environment's."""
        self.world.clock.now += tick
        return take_over(TakeoverRequest(token, kind, SessionOptions(**options)), caller, deps or self.deps)

    def revoke(
        self,
        token: str,
        client_id: str | None = None,
        deps: LegacyEndDeps | None = None,
        caller: Caller = CALLER,
        tick: int = 1,
    ) -> None:
        """At POST /auth/revoke. tick, deps: as of take_over."""
        self.world.clock.now += tick
        revoke_legacy_token(token, client_id, caller, deps or self.ends)

    def is_alive(self, user: str, token: str) -> bool:
        """Is there a live session or device of ours, or is the token in force at the Portal?"""
        [row] = self.world.sql(
            "SELECT COUNT(*) AS live FROM auth_user_tokens WHERE user_id = %s AND revoked_at IS NULL", user
        )
        return row["live"] > 0 or self.portal.is_in_force(token)

    def accepts(self, text: str) -> bool:
        return is_legacy(text, self.deps)

    def guesser(self) -> Caller:
        """Another source each time."""
        self._guessers += 1
        return Caller(f"198.51.100.{self._guessers}", "guesser")

    def plans(self, token: str) -> list[list[dict[str, Any]]]:
        """How the server would carry out each statement of a take-over, and of a revocation."""
        told = self._statements(lambda: self.take_over(token))
        assert len(told) == 6  # two reads; mark, claim, the user's row, session and device
        unmoved = self.token()
        ended = self._statements(lambda: self.revoke(unmoved))
        assert len(ended) == 3  # a read; mark, claim
        return [
            self.world.database.query(f"EXPLAIN FORMAT=TRADITIONAL {sql}", values)
            for sql, values in (*told, *ended)
        ]

    def _statements(self, call: Callable[[], object]) -> list[tuple[str, Any]]:
        self.take_over(self.token())  # reads the keys, if they are too old
        seen: list[tuple[str, Any]] = []
        with pytest.MonkeyPatch.context() as patch:
            for name in ("query", "rows", "execute"):
                patch.setattr(Transaction, name, _noting(seen, getattr(Transaction, name)))
            call()
        return [(sql, values) for sql, values in seen if sql.split()[0] in ("SELECT", "UPDATE", "INSERT")]

    def environment(self) -> TakeoverDeps:
        """Another execution environment's."""
        return deps_of(self.world.environment())

    def ending_environment(self) -> LegacyEndDeps:
        """The same of revoke."""
        return ends_of(self.world.environment())


def _noting(seen: list[tuple[str, Any]], run: Callable[..., Any]) -> Callable[..., Any]:
    def noted(statements: Transaction, sql: str, parameters: Any = ()) -> Any:
        seen.append((sql, parameters))
        return run(statements, sql, parameters)

    return noted


def deps_of(shared: wiring.Container) -> TakeoverDeps:
    made = wiring.taking_over(shared, wiring.issuing(shared))
    assert made is not None
    return made


def ends_of(shared: wiring.Container) -> LegacyEndDeps:
    made = wiring.ending_legacy(shared, wiring.sessions(shared))
    assert made is not None
    return made


def wrapped_secret(aws: LocalAws, world: World) -> bytes:
    """The ciphertext of the Portal's HMAC key, made as docs/adoption.md says."""
    return world.shared.wrapper.wrap(SECRET, {"purpose": "token-chain", "kid": "legacy-tokens"})


@contextlib.contextmanager
def beside(
    world: World, shape: str, at: DatabaseAddress, aws: LocalAws, folder: Path, **members: Any
) -> Iterator[Stage]:
    """world: migrated, on its own schema; at: an empty schema for the Portal; members: of legacy_tokens."""
    with running_portal(shape, at, SECRET) as portal:
        document = mapping(shape, at.name, wrapped_secret(aws, world), **members)
        stage = stage_of(world, portal, document, folder)
        stage.take_over(stage.token())  # makes the keys
        yield stage


def stage_of(world: World, portal: LegacyPortal, document: Mapping[str, Any], folder: Path) -> Stage:
    """With another mapping."""
    mapped = World(replace(world.settings, portal_map=str(written(document, folder))))
    mapped.clock.now = int(time.time())
    return Stage(mapped, portal, deps_of(mapped.shared), folder)
