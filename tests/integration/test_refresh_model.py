"""Random lives of a session against the real store and a small model of what must happen.

The model knows generations and instants, no cryptography: a presented generation is current, a repeat,
reuse, or dead. After each step the store must agree (design invariants 1, 2 and 4).
"""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.revoke import revoke_token
from tests.support.world import CALLER, World

IDLE_S, ABSOLUTE_S, WINDOW_S = 1000, 3000, 10
KEYS = [None, "key-a", "key-b"]


@dataclass
class Session:
    """What the model knows: every token ever handed out by generation, and when the last rotation was."""

    id: str
    born_at: int
    idle_ends_at: int
    tokens: list[str] = field(default_factory=list)
    rotated_at: int | None = None
    retry_key: str | None = None
    is_revoked: bool = False

    def verdict(self, generation: int, key: str | None, now: int) -> str:
        current = len(self.tokens) - 1
        if self.is_revoked or now >= min(self.idle_ends_at, self.born_at + ABSOLUTE_S):
            return "dead"
        if generation == current:
            return "rotate"
        in_window = self.rotated_at is not None and now - self.rotated_at < WINDOW_S
        same_key = key is not None and key == self.retry_key
        return "repeat" if generation == current - 1 and (in_window or same_key) else "reuse"


class Lives(RuleBasedStateMachine):
    """Logins, refreshes, retries, thefts, revocations, crashes and the passing of time."""

    world: World
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[Session] = []
        user = self.world.user(
            refresh_idle_ttl_s=IDLE_S, refresh_absolute_ttl_s=ABSOLUTE_S, max_sessions=1000
        )
        self.user_id = self.world.user_id(user)

    @rule()
    def login(self) -> None:
        answer = issue(IssueRequest(self.user_id, ("mfa",)), CALLER, self.world.issuing)
        now = self.world.clock.now
        self.sessions.append(Session(answer.session_id, now, now + IDLE_S, [answer.token]))

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), key=st.sampled_from(KEYS), crashes=st.booleans())
    def present(self, data: st.DataObject, key: str | None, crashes: bool) -> None:
        """Anyone shows any token ever handed out: the owner, a retry, a thief."""
        session = data.draw(st.sampled_from(self.sessions))
        behind = data.draw(st.sampled_from([0, 0, 0, 1, 1, 2, 5]))
        generation = max(0, len(session.tokens) - 1 - behind)
        expected = session.verdict(generation, key, self.world.clock.now)
        if crashes and expected == "rotate":
            self._crash_while_signing(session, generation, key)
        answer = self._refresh(session.tokens[generation], key)
        if crashes and expected == "rotate":
            expected = "repeat"  # the crash came after the commit: this was the retry
        self._compare(session, expected, answer, key)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.sessions))
        revoke_token(session.tokens[-1], None, CALLER, self.world.sessions)
        session.is_revoked = True

    @rule(seconds=st.sampled_from([1, 5, 9, 10, 11, 300, 999, 1000]))
    def wait(self, seconds: int) -> None:
        self.world.clock.now += seconds

    @invariant()
    def the_store_agrees(self) -> None:
        type(self).steps += 1
        if not self.sessions:
            return
        session = self.sessions[-1]
        row = self.world.row(session.id)
        assert row["generation"] == len(session.tokens) - 1
        assert (row["revoked_at"] is not None) == session.is_revoked
        current = self.world.shared.codec.parse(session.tokens[-1], TokenKind.REFRESH)
        assert self.world.shared.codec.store_hash(current) == row["token_hash"]
        assert not _is_accepted(self.world, row["token_hash"], current)

    def _refresh(self, token: str, key: str | None) -> str | None:
        try:
            return self.world.refresh(token, retry_key=key).token
        except InvalidGrant:
            return None

    def _crash_while_signing(self, session: Session, generation: int, key: str | None) -> None:
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(type(self.world.issuing.signer), "sign", _unavailable)
            with pytest.raises(Unavailable):
                self.world.refresh(session.tokens[generation], retry_key=key)
        successor = self._refresh(session.tokens[generation], key)
        assert successor is not None
        self._rotated(session, successor, key)

    def _compare(self, session: Session, expected: str, answer: str | None, key: str | None) -> None:
        if expected == "rotate":
            assert answer is not None
            assert answer not in session.tokens
            self._rotated(session, answer, key)
        elif expected == "repeat":
            assert answer == session.tokens[-1]
        else:
            assert answer is None
            session.is_revoked = session.is_revoked or expected == "reuse"

    def _rotated(self, session: Session, successor: str, key: str | None) -> None:
        now = self.world.clock.now
        session.tokens.append(successor)
        session.rotated_at, session.retry_key = now, key
        session.idle_ends_at = min(now + IDLE_S, session.born_at + ABSOLUTE_S)


def _is_accepted(world: World, stored: bytes, current: OpaqueToken) -> bool:
    """Is what the database holds good for anything, even put into a token with a right tag?"""
    forged = world.shared.codec.encode(replace(current, secret=stored))
    try:
        world.refresh(forged)
    except InvalidGrant:
        return False
    return True


def _unavailable(*_: object) -> str:
    raise Unavailable("kms")


def test_the_store_does_what_the_model_says(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    machine = type("LivesHere", (Lives,), {"world": world, "steps": 0})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

    with capsys.disabled():
        print(f"\nmodel test: {machine.steps} steps")
    assert machine.steps > 1000
