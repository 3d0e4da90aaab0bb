"""What is done to the service while clients use it: a schedule from a seed, and the hands that carry it out."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import pymysql

from local.runners.clocks import FunctionClocks
from local.runners.lambda_runner import Environment, LambdaRunner
from local.servers.aws import LocalAws
from local.servers.database.clock import DatabaseClock, tidy
from local.servers.database.server import DatabaseServer
from tests.soak.ledger import Ledger, Outage

# Functions' clocks are moved by this much at most, so two differ by twice that: less than IAT_LEEWAY_S, by which a
# token that was issued by one is good at the other.
FUNCTION_CLOCK_S = 2.0
# The database's clock may tell any time. It is not set back while a statement may wait (docs/explanation/model.md).
DATABASE_CLOCK_S = 30.0
# Whoever asked at the end of an outage may still be told of it.
AFTERMATH_S = 0.5


class Kind(Enum):
    """A fault, as it is printed and counted."""

    DATABASE_KILLED = "database killed (-9)"
    DATABASE_STOPPED = "database stopped"
    CONNECTIONS_CUT = "connections cut"
    FAILED_OVER = "failed over"
    DATABASE_CLOCK = "database's clock moved"
    KMS_AWAY = "KMS away"
    FROZEN = "environments frozen"
    KILLED = "environments killed"
    FUNCTION_CLOCKS = "functions' clocks moved"


OF_DATABASE = (
    Kind.DATABASE_KILLED,
    Kind.DATABASE_STOPPED,
    Kind.CONNECTIONS_CUT,
    Kind.FAILED_OVER,
    Kind.DATABASE_CLOCK,
)
OF_FUNCTIONS = (Kind.KMS_AWAY, Kind.FROZEN, Kind.KILLED, Kind.FUNCTION_CLOCKS)
# How long each may last, in seconds.
_LASTS_S = {
    Kind.DATABASE_KILLED: (0.0, 3.0),
    Kind.DATABASE_STOPPED: (1.0, 12.0),
    Kind.CONNECTIONS_CUT: (1.0, 3.0),
    Kind.FAILED_OVER: (1.0, 5.0),
    Kind.DATABASE_CLOCK: (0.0, 0.0),
    Kind.KMS_AWAY: (3.0, 10.0),
    Kind.FROZEN: (1.0, 20.0),
    Kind.KILLED: (0.0, 0.0),
    Kind.FUNCTION_CLOCKS: (0.0, 0.0),
}
_GAP_S = (2.0, 6.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """after_s: how long after the one before has ended; seed: for what else there is to choose."""

    kind: Kind
    after_s: float
    lasts_s: float
    seed: int


def schedule(seed: str, kinds: Sequence[Kind]) -> Iterator[Fault]:
    """Without end; each kind comes once before any comes again."""
    chance = random.Random(seed)
    while True:
        for kind in chance.sample(kinds, len(kinds)):
            after_s, lasts_s = chance.uniform(*_GAP_S), chance.uniform(*_LASTS_S[kind])
            yield Fault(kind, round(after_s, 2), round(lasts_s, 2), chance.getrandbits(32))


class DatabaseFaults(Protocol):
    """How a database is struck. Each returns when it serves again."""

    def kill(self, lasts_s: float) -> None: ...

    def stop(self, lasts_s: float) -> None: ...

    def cut(self, lasts_s: float) -> None: ...

    def fail_over(self, lasts_s: float) -> None:
        """The writer becomes a reader for a while; then its connections are gone, and there is a writer."""
        ...

    def move_clock(self, offset_s: float) -> None: ...


class ServerFaults:
    """DatabaseFaults of a private server, by signals and its administrator. clock: None where there is none."""

    def __init__(self, server: DatabaseServer, clock: DatabaseClock | None) -> None:
        self._server = server
        self._clock = clock

    def kill(self, lasts_s: float) -> None:
        self._server.kill()
        tidy()
        time.sleep(lasts_s)
        self._server.start()
        self._server.wait()

    def stop(self, lasts_s: float) -> None:
        self._server.freeze()
        time.sleep(lasts_s)
        self._server.thaw()
        self._server.wait()

    def cut(self, lasts_s: float) -> None:
        until = time.monotonic() + lasts_s
        with self._administrator() as run:
            while time.monotonic() < until:
                self._cut_all(run)
                time.sleep(0.1)

    def fail_over(self, lasts_s: float) -> None:
        with self._administrator() as run:
            run("SET GLOBAL read_only = 1")
            time.sleep(lasts_s)
            self._cut_all(run)
            run("SET GLOBAL read_only = 0")

    def move_clock(self, offset_s: float) -> None:
        if self._clock:
            self._clock.move(offset_s)

    def _cut_all(self, run: Callable[[str], Sequence[tuple[object, ...]]]) -> None:
        for number, user, *_ in run("SHOW PROCESSLIST"):
            if user == self._server.address.user:
                with suppress(pymysql.err.Error):  # it went by itself
                    run(f"KILL {number}")

    @contextmanager
    def _administrator(self) -> Iterator[Callable[[str], Sequence[tuple[object, ...]]]]:
        connection = self._server.administrator()

        def run(sql: str) -> Sequence[tuple[object, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()

        try:
            yield run
        finally:
            connection.close()


@dataclass(slots=True)
class Striker:
    """Carries faults out, and notes them. struck: processes that a fault has met, whose failures are explained."""

    database: DatabaseFaults
    runner: LambdaRunner
    aws: LocalAws
    clocks: FunctionClocks
    ledger: Ledger
    say: Callable[[str], None]
    struck: set[int] = field(default_factory=set)
    _offsets: dict[int, float] = field(default_factory=dict)
    _database_offset_s: float = 0

    def run(self, seed: str, kinds: Sequence[Kind], is_over: Callable[[], bool]) -> None:
        """One after the other, until it is over and each of the kinds has been; the last one is ended in order."""
        to_come = set(kinds)
        for fault in schedule(seed, kinds):
            until = time.monotonic() + fault.after_s
            while time.monotonic() < until:
                if is_over() and not to_come:
                    return
                time.sleep(0.05)
            self.strike(fault)
            to_come.discard(fault.kind)

    def strike(self, fault: Fault) -> None:
        chance = random.Random(fault.seed)
        match fault.kind:
            case Kind.DATABASE_KILLED:
                self._database(fault, lambda: self.database.kill(fault.lasts_s))
            case Kind.DATABASE_STOPPED:
                self._database(fault, lambda: self.database.stop(fault.lasts_s))
            case Kind.CONNECTIONS_CUT:
                self._database(fault, lambda: self.database.cut(fault.lasts_s))
            case Kind.FAILED_OVER:
                self._database(fault, lambda: self.database.fail_over(fault.lasts_s))
            case Kind.DATABASE_CLOCK:
                self._move_database_clock(fault, chance)
            case Kind.KMS_AWAY:
                self._take_kms_away(fault, chance)
            case Kind.FROZEN:
                self._freeze(fault, chance)
            case Kind.KILLED:
                self._kill(fault, chance)
            case Kind.FUNCTION_CLOCKS:
                self._move_clocks(fault, chance)

    def _database(self, fault: Fault, act: Callable[[], None]) -> None:
        with self._noted(fault.kind, f"{fault.lasts_s:.1f} s", database=True):
            act()

    def _move_database_clock(self, fault: Fault, chance: random.Random) -> None:
        offset_s = round(chance.uniform(-DATABASE_CLOCK_S, DATABASE_CLOCK_S), 3)
        with self._noted(fault.kind, f"{self._database_offset_s:+.1f} → {offset_s:+.1f} s"):
            self.database.move_clock(offset_s)
            time.sleep(1.5)  # until the server has looked
        self._database_offset_s = offset_s

    def _take_kms_away(self, fault: Fault, chance: random.Random) -> None:
        """With environments killed, so that there are some that need it."""
        with self._noted(fault.kind, f"{fault.lasts_s:.1f} s"):
            self.aws.go_away()
            victims = self._some(chance, 3)
            for victim in victims:
                self._kill_one(victim)
            time.sleep(fault.lasts_s)
            self.aws.come_back()

    def _freeze(self, fault: Fault, chance: random.Random) -> None:
        victims = self._caught_at_work(chance, 3)
        names = ", ".join(victim.function for victim in victims)
        with self._noted(fault.kind, f"{fault.lasts_s:.1f} s, {names}"):
            for victim in victims:
                self.struck.add(victim.process.pid)
                victim.process.send_signal(signal.SIGSTOP)
            time.sleep(fault.lasts_s)
            for victim in victims:
                victim.process.send_signal(signal.SIGCONT)

    def _kill(self, fault: Fault, chance: random.Random) -> None:
        victims = self._caught_at_work(chance, 3)
        with self._noted(fault.kind, ", ".join(victim.function for victim in victims)):
            for victim in victims:
                self._kill_one(victim)

    def _kill_one(self, victim: Environment) -> None:
        self.struck.add(victim.process.pid)
        victim.process.send_signal(signal.SIGKILL)

    def _move_clocks(self, fault: Fault, chance: random.Random) -> None:
        """Each environment's by itself; new ones start with ours."""
        set_back_s = 0.0
        alive = {each.process.pid for each in self.runner.environments()}
        for pid in sorted(alive):
            offset_s = round(chance.uniform(-FUNCTION_CLOCK_S, FUNCTION_CLOCK_S), 3)
            set_back_s = max(set_back_s, self._offsets.get(pid, 0) - offset_s)
            self._offsets[pid] = offset_s
            self.clocks.move(pid, offset_s)
        with self._noted(fault.kind, f"{len(alive)} of them, back by {set_back_s:.1f} s at most", set_back_s):
            pass

    def _some(self, chance: random.Random, count: int) -> list[Environment]:
        there = sorted(self.runner.environments(), key=lambda each: each.process.pid)
        return chance.sample(there, min(count, len(there)))

    def _caught_at_work(self, chance: random.Random, most: int) -> list[Environment]:
        """Some that are at work just now, at an instant within it; some that are idle, where none is in a second."""
        until = time.monotonic() + 1
        wanted = chance.randint(1, most)
        while time.monotonic() < until:
            busy = [each for each in self._some(chance, 1000) if each.is_busy]
            if len(busy) >= wanted:
                time.sleep(chance.uniform(0, 0.01))
                return busy[:wanted]
            time.sleep(0.001)
        return self._some(chance, wanted)

    @contextmanager
    def _noted(
        self, kind: Kind, what: str, set_back_s: float = 0, *, database: bool = False
    ) -> Iterator[None]:
        began_at = time.time()
        self.say(f"{kind.value}: {what}")
        yield
        ended_at = time.time() + (AFTERMATH_S if database else 0)
        self.ledger.note(Outage(kind.value, began_at, ended_at, database, set_back_s))
