"""Remembered rows of browser sessions: what may be old, for how long, and what is read at once."""

from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.adapters.session_cache import MAX_AGE_S, SessionCache
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.sessions import TokenRecord
from tests.support.fakes import ROW_ID, FakeTokenStore, session_record
from tests.support.world import START, Clock

FAIL_AFTER_S = 60


class Store(FakeTokenStore):
    """Out of reach while `is_down`."""

    is_down = False

    def load(self, token_id: bytes) -> TokenRecord | None:
        record = super().load(token_id)
        self._reach()
        return record

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        super().touch(record, at, expires_at)
        self._reach()

    def _reach(self) -> None:
        if self.is_down:
            raise Unavailable("database error 2003")


class Sessions:
    def __init__(self, max_rows: int = 10) -> None:
        self.store: Any = Store(session_record(generation=3))
        self.clock = Clock()
        self.rows = SessionCache(self.store, self.clock, fail_after_s=FAIL_AFTER_S, max_rows=max_rows)

    def load(self, generation: int = 3) -> TokenRecord | None:
        return self.rows.load(ROW_ID, generation)

    def change(self, **changes: object) -> None:
        self.store.records[ROW_ID] = replace(self.store.records[ROW_ID], **changes)


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


def test_a_row_is_read_once_for_its_time(sessions: Sessions) -> None:
    for _ in range(5):
        sessions.load()
    sessions.clock.now += MAX_AGE_S - 1
    sessions.load()
    assert sessions.store.reads == 1

    sessions.clock.now += 1
    sessions.load()
    assert sessions.store.reads == 2


def test_a_disabled_owner_is_known_within_the_stated_age(sessions: Sessions) -> None:
    sessions.load()
    sessions.change(owner=None)

    sessions.clock.now += MAX_AGE_S

    assert sessions.load() == sessions.store.records[ROW_ID]


def test_a_token_of_a_later_generation_has_the_row_read_at_once(sessions: Sessions) -> None:
    sessions.load()
    sessions.change(generation=4)

    record = sessions.load(generation=4)

    assert record is not None
    assert record.generation == 4


def test_an_idle_end_that_another_environment_moved_is_looked_up_before_it_refuses(
    sessions: Sessions,
) -> None:
    sessions.change(expires_at=START + 10)
    sessions.load()
    sessions.change(expires_at=START + 1000)
    sessions.clock.now += 10

    record = sessions.load()

    assert record is not None
    assert record.is_live(sessions.clock.now)


def test_a_session_that_is_over_is_not_read_for_each_attempt(sessions: Sessions) -> None:
    sessions.change(expires_at=START)
    for _ in range(5):
        sessions.load()

    assert sessions.store.reads == 1


def test_a_clock_that_is_set_back_does_not_keep_a_row_for_longer(sessions: Sessions) -> None:
    sessions.load()
    sessions.clock.now -= 100
    sessions.load()

    assert sessions.store.reads == 2


def test_the_bound_forgets_the_row_that_was_not_asked_for_longest() -> None:
    sessions = Sessions(max_rows=2)
    first, second, third = (bytes(15) + bytes([n]) for n in (1, 2, 3))
    sessions.store.records = {key: session_record(id=key) for key in (first, second, third)}
    for key in (first, second, first, third, first):
        sessions.rows.load(key, 0)
    assert sessions.store.reads == 3

    sessions.rows.load(second, 0)
    assert sessions.store.reads == 4


def test_with_the_store_away_a_known_row_serves_until_the_stated_time(sessions: Sessions) -> None:
    sessions.load()
    sessions.store.is_down = True

    sessions.clock.now += FAIL_AFTER_S - 1
    assert sessions.load() is not None
    sessions.clock.now += 1
    with pytest.raises(Unavailable):
        sessions.load()


def test_with_the_store_away_an_older_row_says_nothing_of_a_newer_token(sessions: Sessions) -> None:
    sessions.load()
    sessions.change(generation=4)
    sessions.store.is_down = True

    with pytest.raises(Unavailable):
        sessions.load(generation=4)
    assert sessions.load(generation=3) is not None


def test_with_the_store_away_an_idle_end_that_may_have_been_moved_refuses_nobody(sessions: Sessions) -> None:
    sessions.change(expires_at=START + 10)
    sessions.load()
    sessions.store.is_down = True
    sessions.clock.now += 10

    with pytest.raises(Unavailable):
        sessions.load()


def test_with_the_store_away_an_unknown_session_is_not_let_in(sessions: Sessions) -> None:
    sessions.store.is_down = True

    with pytest.raises(Unavailable):
        sessions.load()


def test_with_the_store_away_not_every_request_waits_for_it(sessions: Sessions) -> None:
    sessions.load()
    sessions.store.is_down = True
    sessions.clock.now += MAX_AGE_S
    for _ in range(5):
        sessions.load()

    assert sessions.store.reads == 2


def test_a_use_is_noted_in_the_remembered_row_too(sessions: Sessions) -> None:
    record = sessions.load()
    assert record is not None

    sessions.rows.touch(record, START + 5, START + 5000)

    assert sessions.store.touched == [(ROW_ID, START + 5, START + 5000)]
    assert sessions.load() == replace(record, last_used_at=START + 5, expires_at=START + 5000)


def test_a_note_that_gets_lost_is_nobody_s_fault(sessions: Sessions) -> None:
    record = sessions.load()
    assert record is not None
    sessions.store.is_down = True

    sessions.rows.touch(record, START, START + 5000)
