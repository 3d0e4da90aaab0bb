"""A token of the Portal becomes a session, is repeated, or is refused; without a database."""

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from auth_tokens.adapters.legacy_misses import LegacyMisses
from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.domain.acr import LEGACY_ACR
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import AccessDenied, InvalidClient, InvalidGrant, InvalidRequest, Unavailable
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.legacy_tokens import EndKind, LegacyRow, LegacyTokens, SeenAgain, StoredForm
from auth_tokens.domain.sign_ins import SessionStart
from auth_tokens.domain.takeovers import Claim, LegacyFound, LegacyToken, TakeResult
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.take_over import TakeoverRequest, is_legacy, take_over
from auth_tokens.usecases.takeover_deps import TakeoverDeps
from tests.support.memory_world import MemoryWorld
from tests.support.world import CALLER, START

LEGACY = LegacyTokens(
    table="auth_user_tokens",
    id="id",
    user="user_id",
    token="token",
    stored=StoredForm.SHA256_HEX,
    shape=re.compile("[a-z]{5,80}"),
    type="type",
    kinds={"refresh": TokenKind.REFRESH, "device": TokenKind.DEVICE},
    live=(),
    ends=None,
    end_kind=EndKind.ABSOLUTE,
    created=None,
    created_is_sign_in=True,
    client="portal-web",
    device_name=None,
    cookie=None,
    mark=None,
    seen_again=SeenAgain.END,
    accept_from=START - 100,
    accept_until=START + 100,
)


@dataclass
class MemoryTakeovers:
    """Ports Takeovers and Digests. results: of the next calls of take, TAKEN after them."""

    world: MemoryWorld
    rows: dict[str, list[LegacyRow]] = field(default_factory=dict)
    claims: set[bytes] = field(default_factory=set)
    results: list[TakeResult] = field(default_factory=list)

    def stored(self, token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    def look_up(self, token: LegacyToken) -> LegacyFound:
        record = self.world.store.load(token.row_id)
        return LegacyFound(token.key in self.claims, record, self.rows.get(str(token.stored), []))

    def take(self, claim: Claim, start: SessionStart) -> TakeResult:
        if self.results:
            return self.results.pop(0)
        self.claims.add(claim.token.key)
        self.world.store.rows |= {row.id: row for row in (start.session, start.device)}
        return TakeResult.TAKEN


@dataclass
class Stage:
    world: MemoryWorld = field(default_factory=MemoryWorld)
    legacy: LegacyTokens = LEGACY

    def __post_init__(self) -> None:
        self.takeovers = MemoryTakeovers(self.world)
        milliseconds = self.world.clock.milliseconds
        misses = LegacyMisses(MemoryLimiter(milliseconds), milliseconds)
        self.deps = TakeoverDeps(self.world.issuing, self.legacy, self.takeovers, self.takeovers, misses)
        self.user = self.world.user_id(self.world.user())

    def row(self, text: str, **members: Any) -> str:
        """A row of the Portal that holds this token; the token."""
        stored = self.takeovers.stored(text)
        row = LegacyRow(1, self.user, stored, TokenKind.REFRESH, True, START + 5000, START - 50, "Laptop")
        self.takeovers.rows.setdefault(stored, []).append(replace(row, **members))
        return text

    def take(
        self,
        text: str,
        kind: TokenKind = TokenKind.REFRESH,
        *,
        mode: TokenKind = TokenKind.REFRESH,
        client_id: str | None = None,
    ) -> TokenAnswer:
        options = SessionOptions(kind=mode, client_id=client_id)
        return take_over(TakeoverRequest(text, kind, options), CALLER, self.deps)


def test_the_session_has_the_ends_the_time_and_the_acr_of_the_portals() -> None:
    stage = Stage()

    answer = stage.take(stage.row("token"))

    session = stage.world.store.load(bytes.fromhex(answer.session_id.replace("-", "")))
    assert session is not None
    assert (session.acr, session.amr, session.auth_time) == (LEGACY_ACR, (), START - 50)
    assert (session.absolute_expires_at, session.created_at) == (START + 5000, START)
    assert stage.world.telemetry.counts["TakenOver"] == 1


def test_a_repeat_is_the_same_and_writes_nothing() -> None:
    stage = Stage()
    first = stage.take(stage.row("token"))
    before = dict(stage.world.store.rows)

    again = stage.take("token")

    assert again.is_repeat and (again.token, again.session_id) == (first.token, first.session_id)
    assert stage.world.store.rows == before


@pytest.mark.parametrize(
    "members",
    [
        {"is_live": False},
        {"ends_at": START},
        {"kind": None},
        {"kind": TokenKind.DEVICE},
        {"user_id": None},
        {"user_id": "nobody"},
    ],
    ids=str,
)
def test_a_row_that_is_not_good_is_refused(members: dict[str, Any]) -> None:
    stage = Stage()

    with pytest.raises(InvalidGrant) as refusal:
        stage.take(stage.row("token", **members))
    assert not refusal.value.is_forged
    assert stage.takeovers.claims == set()


def test_a_row_is_good_until_the_second_of_its_end() -> None:
    stage = Stage()

    assert stage.take(stage.row("token", ends_at=START + 1)).token_expires_in == 1


def test_a_token_that_is_nobodys_counts_as_forged_and_one_of_two_rows_does_not() -> None:
    stage = Stage()
    stage.row("twice")
    stage.row("twice")

    with pytest.raises(InvalidGrant) as unknown:
        stage.take("nobodys")
    with pytest.raises(InvalidGrant) as ambiguous:
        stage.take("twice")
    assert (unknown.value.is_forged, ambiguous.value.is_forged) == (True, False)


def test_a_client_of_ours_that_is_not_the_tokens_is_refused_and_an_unknown_one_is_an_error() -> None:
    stage = Stage()
    stage.row("token")

    with pytest.raises(InvalidGrant):
        stage.take("token", client_id="portal-app")
    with pytest.raises(InvalidClient):
        stage.take("token", client_id="stranger")
    stage.take("token", client_id="portal-web")
    with pytest.raises(InvalidGrant):
        stage.take("token", client_id="portal-app")


def test_after_the_session_went_on_the_token_is_a_theft() -> None:
    stage = Stage()
    answer = stage.take(stage.row("token"))
    following = stage.world.refresh(answer.token)

    with pytest.raises(InvalidGrant):
        stage.take("token")
    with pytest.raises(InvalidGrant):
        stage.world.refresh(following.token)


def test_where_clients_copy_tokens_it_is_refused_alone() -> None:
    stage = Stage(legacy=replace(LEGACY, seen_again=SeenAgain.REFUSE))
    answer = stage.take(stage.row("token"))
    following = stage.world.refresh(answer.token)

    with pytest.raises(InvalidGrant):
        stage.take("token")
    assert stage.world.refresh(following.token)


def test_a_claim_without_its_session_is_refused() -> None:
    stage = Stage()
    stage.take(stage.row("token"))
    stage.world.store.rows.clear()

    with pytest.raises(InvalidGrant):
        stage.take("token")


def test_a_stopped_user_is_refused_and_a_changed_row_is_read_again() -> None:
    stage = Stage()
    stage.row("token")
    stage.takeovers.results = [TakeResult.OVER]
    with pytest.raises(InvalidGrant):
        stage.take("token")

    stage.takeovers.results = [TakeResult.CHANGED] * 3
    assert stage.take("token")


def test_a_row_that_changes_at_each_try_is_no_refusal() -> None:
    stage = Stage()
    stage.takeovers.results = [TakeResult.CHANGED] * 4

    with pytest.raises(Unavailable):
        stage.take(stage.row("token"))


def test_a_call_that_lost_to_another_and_finds_the_session_gone_on_decides_nothing() -> None:
    stage = Stage()
    stage.row("token")
    take = stage.takeovers.take

    def overtaken(claim: Claim, start: SessionStart) -> TakeResult:
        stage.takeovers.take = take  # type: ignore[method-assign]
        stage.world.refresh(stage.take("token").token)
        return TakeResult.CHANGED

    stage.takeovers.take = overtaken  # type: ignore[method-assign]

    with pytest.raises(Unavailable):
        stage.take("token")


def test_a_device_token_gets_a_session_and_a_device_token() -> None:
    stage = Stage()
    stage.row("device", kind=TokenKind.DEVICE)

    answer = stage.take("device", TokenKind.DEVICE)
    again = stage.take("device", TokenKind.DEVICE)

    assert answer.device_token and again.device_token == answer.device_token
    assert again.token == answer.token


def test_a_repeat_of_a_device_token_follows_its_session_and_ends_with_it() -> None:
    stage = Stage()
    answer = stage.take(stage.row("device", kind=TokenKind.DEVICE), TokenKind.DEVICE)
    following = stage.world.refresh(answer.token)

    assert stage.take("device", TokenKind.DEVICE).token == following.token

    session_id = bytes.fromhex(answer.session_id.replace("-", ""))
    del stage.world.store.rows[session_id]
    with pytest.raises(InvalidGrant):
        stage.take("device", TokenKind.DEVICE)


def test_a_user_who_may_not_remember_devices_gets_no_session_for_a_device_token() -> None:
    stage = Stage()
    stage.user = stage.world.user_id(stage.world.user(remember_devices=0))

    with pytest.raises(InvalidGrant):
        stage.take(stage.row("device", kind=TokenKind.DEVICE), TokenKind.DEVICE)


def test_a_mode_that_the_user_may_not_have_is_denied_and_a_repeat_keeps_the_mode() -> None:
    stage = Stage()
    bearer_only = stage.world.user_id(stage.world.user(allowed_modes="bearer"))
    stage.row("token")
    stage.row("bearer", user_id=bearer_only)

    with pytest.raises(AccessDenied):
        stage.take("bearer", mode=TokenKind.SESSION)
    stage.take("token")
    with pytest.raises(InvalidRequest):
        stage.take("token", mode=TokenKind.SESSION)


@pytest.mark.parametrize(
    ("text", "now", "is_accepted"),
    [
        ("token", START, True),
        ("token", START - 100, True),
        ("token", START - 101, False),
        ("token", START + 99, True),
        ("token", START + 100, False),
        ("tok", START, False),
        ("Token", START, False),
        ("aut_rt_token", START, False),
        ("a" * 81, START, False),
    ],
)
def test_a_text_is_looked_for_within_the_dates_and_in_the_shape(
    text: str, now: int, is_accepted: bool
) -> None:
    stage = Stage()
    stage.world.clock.now = now

    assert is_legacy(text, stage.deps) == is_accepted
