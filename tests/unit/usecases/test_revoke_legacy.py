"""A token of the Portal is revoked: what it became ends, or it never becomes anything; without a database."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from auth_tokens.adapters.legacy_misses import LegacyMisses
from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.domain.errors import InvalidGrant, RateLimited, Unavailable
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.legacy_tokens import CLAIM_RETENTION_S
from auth_tokens.domain.limits import LEGACY_MISSES_PER_SOURCE
from auth_tokens.domain.takeovers import Claim, LegacyFound, LegacyToken
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.revoke_legacy import revoke_legacy_token
from auth_tokens.usecases.takeover_deps import LegacyEndDeps
from tests.support.world import CALLER, START
from tests.unit.usecases.test_take_over import LEGACY, Stage

ENDED = START + 100 + CLAIM_RETENTION_S


@dataclass
class MemoryEnds:
    """Port LegacyEnds on the stage of the take-over. changes: how many of the next calls find the row changed."""

    stage: Stage
    look_ups: int = 0
    changes: int = 0

    def look_up_claimed(self, token: LegacyToken) -> LegacyFound:
        self.look_ups += 1
        rows = self.stage.takeovers.rows.get(str(token.stored), [])
        became = [self.stage.world.store.load(each) for each in (token.device_id, token.session_id)]
        devices = [row for row in became if row and row.kind is TokenKind.DEVICE and row.token_hash]
        record = devices[0] if devices else became[1]
        return LegacyFound(token.key in self.stage.takeovers.claims, record, rows)

    def end_unclaimed(self, claim: Claim, event: SecurityEvent) -> bool:
        if self.changes:
            self.changes -= 1
            return False
        self.stage.takeovers.claims.add(claim.token.key)
        self.stage.world.store.events.append(event)
        return True


class Ending:
    """The take-over and the revocation, side by side."""

    def __init__(self) -> None:
        self.taking = Stage()
        self.ends = MemoryEnds(self.taking)
        milliseconds = self.taking.world.clock.milliseconds
        limiter = MemoryLimiter(milliseconds)
        self.deps = LegacyEndDeps(
            self.taking.world.sessions,
            LEGACY,
            self.ends,
            self.taking.takeovers,
            LegacyMisses(limiter, milliseconds),
            limiter,
        )

    def revoke(self, text: str, client_id: str | None = None) -> None:
        revoke_legacy_token(text, client_id, CALLER, self.deps)

    def told(self) -> list[str]:
        return [event.type.value for event in self.taking.world.store.events]

    def live(self) -> int:
        return sum(row.revoked_at is None for row in self.taking.world.store.rows.values())


def test_a_token_that_was_taken_over_ends_its_session_and_device_once() -> None:
    ending = Ending()
    answer = ending.taking.take(ending.taking.row("token"))

    for _ in range(2):
        ending.revoke("token")

    assert ending.live() == 0
    assert ending.told() == ["session_revoked", "device_revoked"]
    with pytest.raises(InvalidGrant):
        ending.taking.world.refresh(answer.token)


def test_a_session_that_went_on_ends_too() -> None:
    ending = Ending()
    ending.taking.world.refresh(ending.taking.take(ending.taking.row("token")).token)

    ending.revoke("token")

    assert ending.live() == 0


def test_a_device_token_ends_its_device_and_all_sessions_on_it() -> None:
    ending = Ending()
    ending.taking.take(ending.taking.row("token", kind=TokenKind.DEVICE), TokenKind.DEVICE)

    ending.revoke("token")

    assert ending.live() == 0
    assert ending.told() == ["device_revoked"]


def test_what_ended_before_keeps_its_reason_and_its_device() -> None:
    ending = Ending()
    answer = ending.taking.take(ending.taking.row("token"))
    session_id = bytes.fromhex(answer.session_id.replace("-", ""))
    rows = ending.taking.world.store.rows
    rows[session_id] = replace(rows[session_id], revoked_at=START, revoke_reason="logout")

    ending.revoke("token")

    assert (rows[session_id].revoke_reason, ending.live(), ending.told()) == ("logout", 1, [])


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.DEVICE])
def test_a_live_token_that_was_not_taken_over_never_is(kind: TokenKind) -> None:
    ending = Ending()
    ending.taking.row("token", kind=kind)

    for _ in range(2):
        ending.revoke("token")

    assert ending.told() == ["legacy_token_revoked"]
    with pytest.raises(InvalidGrant):
        ending.taking.take("token", kind)


@pytest.mark.parametrize(
    "members",
    [{"is_live": False}, {"ends_at": START}, {"kind": None}, {"user_id": None}],
    ids=str,
)
def test_a_row_that_is_not_good_is_left_as_it_is(members: dict[str, Any]) -> None:
    ending = Ending()

    ending.revoke(ending.taking.row("token", **members))

    assert (ending.taking.takeovers.claims, ending.told()) == (set(), [])


def test_a_token_of_two_rows_is_left_as_it_is() -> None:
    ending = Ending()
    ending.taking.row("token")

    ending.revoke(ending.taking.row("token"))

    assert ending.taking.takeovers.claims == set()


def test_another_client_ends_nothing() -> None:
    ending = Ending()
    ending.taking.row("unmoved")
    ending.taking.take(ending.taking.row("moved"))

    for text in ("unmoved", "moved"):
        ending.revoke(text, "portal-app")
    assert (ending.live(), ending.told()) == (2, [])

    for text in ("unmoved", "moved"):
        ending.revoke(text, "portal-web")
    assert ending.live() == 0


def test_a_row_that_changed_is_read_again_and_one_that_always_does_is_unavailable() -> None:
    ending = Ending()
    ending.taking.row("token")
    ending.ends.changes = 3
    ending.revoke("token")
    assert ending.ends.look_ups == 4

    ending.taking.row("other")
    ending.ends.changes = 4
    with pytest.raises(Unavailable):
        ending.revoke("other")


def test_a_call_that_lost_to_a_take_over_ends_its_session() -> None:
    ending = Ending()
    ending.taking.row("token")
    end = ending.ends.end_unclaimed

    def overtaken(claim: Claim, event: SecurityEvent) -> bool:
        ending.ends.end_unclaimed = end  # type: ignore[method-assign]
        ending.taking.take("token")
        return False

    ending.ends.end_unclaimed = overtaken  # type: ignore[method-assign]

    ending.revoke("token")

    assert (ending.live(), ending.told()[-1]) == (0, "device_revoked")


def test_an_unknown_token_is_no_error_and_is_looked_for_once_a_minute() -> None:
    ending = Ending()

    ending.revoke("nobodys")
    ending.revoke("nobodys")
    assert ending.ends.look_ups == 1

    ending.taking.world.clock.now += 60
    ending.revoke("nobodys")
    assert ending.ends.look_ups == 2


def test_a_source_of_many_misses_is_told_to_wait() -> None:
    ending = Ending()
    for number in range(LEGACY_MISSES_PER_SOURCE.burst):
        ending.revoke("nobodys" + chr(ord("a") + number))

    with pytest.raises(RateLimited):
        ending.revoke(ending.taking.row("token"))
    ending.taking.world.clock.now += 3
    ending.revoke("token")
    assert ending.told() == ["legacy_token_revoked"]


@pytest.mark.parametrize(
    ("text", "now", "look_ups"),
    [
        ("token", START - 101, 0),
        ("token", START - 100, 1),
        ("token", START + 100, 1),  # taken over no longer
        ("token", ENDED - 1, 1),
        ("token", ENDED, 0),
        ("Token", START, 0),
        ("aut_rt_token", START, 0),
    ],
)
def test_a_text_is_looked_for_while_claims_are_kept_and_in_the_shape(
    text: str, now: int, look_ups: int
) -> None:
    ending = Ending()
    ending.taking.world.clock.now = now

    ending.revoke(text)

    assert ending.ends.look_ups == look_ups
