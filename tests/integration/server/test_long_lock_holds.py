"""Locks held for 1 to 60 s of real time, with production's patience, on a server that itself waits for 50 s: what it
does by default, where no proxy of ours has told it to give up earlier."""

import time
from collections.abc import Iterator
from threading import Event, Thread

import pymysql
import pytest
from pymysql.cursors import Cursor

from auth_tokens.domain.errors import Unavailable
from tests.support.locks import HOLD_TOKENS, calls_of, held, settled
from tests.support.world import World

HOLDS_S = (1, 5, 20, 45, 60)
LONGER_THAN_ANYBODY_WAITS_S = 20
SERVERS_WAIT_S = 50


@pytest.fixture
def patient_server(administrator: "pymysql.Connection[Cursor]") -> Iterator[None]:
    """With the server's own default, for connections that are made from now on."""
    cursor = administrator.cursor()
    cursor.execute("SELECT @@GLOBAL.innodb_lock_wait_timeout")
    [[before]] = cursor.fetchall()
    cursor.execute(f"SET GLOBAL innodb_lock_wait_timeout = {SERVERS_WAIT_S}")
    yield
    cursor.execute(f"SET GLOBAL innodb_lock_wait_timeout = {before}")


class Held:
    """A user whose rows are held while each kind of call wants them. outcomes: Unavailable or what it answered, by
    the call's name."""

    def __init__(self, world: World, hold_s: int) -> None:
        self.world, self.hold_s = world, hold_s
        self.name = world.user(max_sessions=50)
        self.calls = calls_of(world, world.user_id(self.name))
        if (
            hold_s < LONGER_THAN_ANYBODY_WAITS_S
        ):  # some come through, and the end of all sessions would take them from the others
            self.calls = [call for call in self.calls if call.name != "revoke all"]
        self.environments = [world.environment() for _ in self.calls]
        self.outcomes: dict[str, type] = {}
        self.told: list[str] = []

    def run(self) -> None:
        waiting = [
            Thread(target=self._wait, args=(index,), name=f"{self.hold_s} s, {call.name}")
            for index, call in enumerate(self.calls)
        ]
        began = time.monotonic()
        with held(self.world, HOLD_TOKENS, self.world.user_id(self.name)):
            for thread in waiting:
                thread.start()
            Event().wait(began + self.hold_s - time.monotonic())
        for thread in waiting:
            thread.join()

    def _wait(self, index: int) -> None:
        try:
            self.outcomes[self.calls[index].name] = type(self.calls[index].call(self.environments[index]))
        except Unavailable as exc:
            self.outcomes[self.calls[index].name] = type(exc)


@pytest.mark.slow
def test_whoever_was_told_503_gets_what_was_asked_however_long_the_rows_were_held(
    patient_server: None, fresh_world: World
) -> None:
    world = fresh_world
    users = [Held(world, hold_s) for hold_s in HOLDS_S]
    threads = [Thread(target=user.run) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settled(world, SERVERS_WAIT_S)
    world.clock.now += max(HOLDS_S)

    for user in users:
        refused = [call for call in user.calls if user.outcomes[call.name] is Unavailable]
        assert (len(refused) == len(user.calls)) == (user.hold_s >= LONGER_THAN_ANYBODY_WAITS_S), (
            user.hold_s,
            user.outcomes,
        )
        for call in refused:
            call.call(world.environment())
        assert "token_reuse_detected" not in world.events(user.name)
