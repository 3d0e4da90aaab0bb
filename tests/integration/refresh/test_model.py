"""Random lives of a session against the real store and a small model of what must happen.

The model knows generations and instants, no cryptography: a presented generation is current, a repeat,
reuse, or dead. After each step the store must agree (design invariants 1, 2 and 4).
"""

import uuid
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from auth_tokens.domain.errors import InvalidGrant
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.revoke import revoke_token
from tests.support.chain_model import ALWAYS_THE_SAME, Chain, crashing
from tests.support.world import CALLER, World

SELECT_SESSIONS = """
SELECT id, generation, token_hash, revoked_at FROM auth_user_tokens WHERE user_id = %s AND type = 'refresh'
"""
IDLE_S, ABSOLUTE_S = 1000, 3000
KEYS = [None, "key-a", "key-b"]
CRASHES = st.sampled_from([None, None, "before the write", "after the commit", "signing"])


class Lives(RuleBasedStateMachine):
    """Logins, refreshes, retries, thefts, revocations, crashes and the passing of time."""

    world: World
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[Chain] = []
        self.stolen: list[tuple[Chain, int]] = []
        user = self.world.user(
            refresh_idle_ttl_s=IDLE_S, refresh_absolute_ttl_s=ABSOLUTE_S, max_sessions=1000
        )
        self.user_id = self.world.user_id(user)

    @rule()
    def login(self) -> None:
        answer = issue(IssueRequest(self.user_id, ("mfa",)), CALLER, self.world.issuing)
        now = self.world.clock.now
        self.sessions.append(Chain(answer.session_id, now + IDLE_S, now + ABSOLUTE_S, [answer.token]))

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), behind=st.sampled_from([0, 0, 0, 1]), key=st.sampled_from(KEYS), crash=CRASHES)
    def refresh(self, data: st.DataObject, behind: int, key: str | None, crash: str | None) -> None:
        """The owner goes on, or asks once more; the service may break on the way, and the owner retries."""
        session = data.draw(st.sampled_from(self.sessions))
        generation = max(0, len(session.tokens) - 1 - behind)
        if crash is not None and session.verdict(generation, key, self.world.clock.now) == "rotate":
            self._crash(session, generation, key, crash)
        self._present(session, generation, key)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def steal(self, data: st.DataObject) -> None:
        """A thief copies the token of the moment, to use it later."""
        session = data.draw(st.sampled_from(self.sessions))
        self.stolen.append((session, len(session.tokens) - 1))

    @precondition(lambda self: self.stolen)
    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def replay(self, data: st.DataObject, key: str | None) -> None:
        """The thief shows what was stolen, and if that works holds what it was answered."""
        session, generation = data.draw(st.sampled_from(self.stolen))
        if self._present(session, generation, key):
            self.stolen.append((session, len(session.tokens) - 1))

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
        rows = self.world.database.query(SELECT_SESSIONS, (self.user_id,))
        stored = {str(uuid.UUID(bytes=row["id"])): row for row in rows}
        for session in self.sessions:
            row = stored[session.id]
            assert row["generation"] == len(session.tokens) - 1
            assert (row["revoked_at"] is not None) == session.is_revoked
            assert [text for text in session.tokens if self._hash(text) == row["token_hash"]] == [
                session.tokens[-1]
            ]

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def dump(self, data: st.DataObject) -> None:
        """What the database holds is good for nothing, even put into a token with a right tag."""
        session = data.draw(st.sampled_from(self.sessions))
        current = self.world.shared.codec.parse(session.tokens[-1], TokenKind.REFRESH)
        stored = self.world.row(session.id)["token_hash"]
        forged = self.world.shared.codec.encode(replace(current, secret=stored))
        assert self._refresh(forged, None) is None

    def _hash(self, text: str) -> bytes:
        codec = self.world.shared.codec
        return codec.store_hash(codec.parse(text, TokenKind.REFRESH))

    def _present(self, session: Chain, generation: int, key: str | None) -> bool:
        expected = session.verdict(generation, key, self.world.clock.now)
        answer = self._refresh(session.tokens[generation], key)
        self._compare(session, expected, answer, key)
        return answer is not None

    def _refresh(self, token: str, key: str | None) -> str | None:
        try:
            return self.world.refresh(token, retry_key=key).token
        except InvalidGrant:
            return None

    def _crash(self, session: Chain, generation: int, key: str | None, point: str) -> None:
        with crashing(self.world.issuing, "rotate", point):
            self.world.refresh(session.tokens[generation], retry_key=key)
        if point != "before the write":
            retried = self._refresh(session.tokens[generation], key)
            assert retried is not None
            self._rotated(session, retried, key)

    def _compare(self, session: Chain, expected: str, answer: str | None, key: str | None) -> None:
        if expected == "rotate":
            assert answer is not None
            assert answer not in session.tokens
            self._rotated(session, answer, key)
        elif expected == "repeat":
            assert answer == session.tokens[-1]
        else:
            assert answer is None
            session.is_revoked = session.is_revoked or expected == "reuse"

    def _rotated(self, session: Chain, successor: str, key: str | None) -> None:
        session.rotated(successor, key, self.world.clock.now, IDLE_S)


@pytest.mark.slow
def test_the_store_does_what_the_model_says(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    machine = type("LivesHere", (Lives,), {"world": world, "steps": 0})

    chosen = settings(ALWAYS_THE_SAME, max_examples=120, stateful_step_count=40)
    run_state_machine_as_test(machine, settings=chosen)

    with capsys.disabled():
        print(f"\nmodel test: {machine.steps} steps")
    assert machine.steps > 3000
