"""The real core in virtual time: processes that share a store, a model of the refresh table, and misfortunes.

Only what lies outside the package is made up: the network, the store, the clocks, the service. Every step that the core
asks for is an event of its own, between which processes freeze, die and overtake each other. The same seed gives the
same run.
"""

import heapq
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from auth_user_tokens import Session, SignedOut, SignedOutEvent
from auth_user_tokens.calls import Target
from auth_user_tokens.clock import Instant
from auth_user_tokens.drivers import Run
from auth_user_tokens.errors import AuthError, Late, NoAnswer, StoreError
from auth_user_tokens.records import Saved, text_of
from auth_user_tokens.sender import check
from auth_user_tokens.steps import Call, Load, Send, Step, Swap, Wait
from auth_user_tokens.wire import Reply
from tests.support.chain_model import Chain

ISSUER = "https://tokens.test"
START = 1_800_000_000.0
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Misfortunes:
    """Chances of one request or one step, and seconds. own_clocks: each process has a clock of its own, an hour off."""

    request_lost: float = 0.05
    answer_lost: float = 0.10
    answer_cut: float = 0.03
    delayed: float = 0.05
    delay_s: float = 9.0
    slow_connect: float = 0.02
    frozen: float = 0.004
    frozen_for_s: tuple[float, ...] = (3.0, 12.0, 40.0, 150.0, 1000.0)
    killed: float = 0.003
    outages: int = 2
    jumps: int = 2
    sleeps: int = 1
    write_fails: float = 0.0
    own_clocks: bool = False
    api_refuses: float = 0.01
    replays: float = 0.0


@dataclass(frozen=True)
class Plan:
    """up_s: how long the machines have run at its start."""

    lasts_s: float = 3600.0
    life_s: int = 120
    processes: int = 3
    threads: int = 1
    think_s: float = 12.0
    read_s: float = 0.0
    up_s: float = 86_400.0
    misfortunes: Misfortunes = Misfortunes()


@dataclass
class Figures:
    """ended: sessions that reuse detection closed; signed_out: events that say so; rotations, repeats: of the service;
    tries: times at which each process sent."""

    ended: int = 0
    signed_out: int = 0
    rotations: int = 0
    repeats: int = 0
    calls: int = 0
    refused_calls: int = 0
    errors: int = 0
    too_soon: int = 0


@dataclass(eq=False)
class Process:
    """One that shares the store. offset_s: of its wall clock; sleeps_s: what its steady clock has not counted."""

    world: "World"
    offset_s: float
    counts_sleep: bool
    session: Session = field(init=False)
    frozen_until: float = 0.0
    slept_s: float = 0.0
    is_alive: bool = True
    not_before: float = 0.0

    def now(self) -> Instant:
        at = self.world.now
        return Instant(START + at + self.offset_s, self.world.plan.up_s + at - self.slept_s)

    def freeze(self, seconds: float) -> None:
        """Stopped alone, which its steady clock counts."""
        self.frozen_until = max(self.frozen_until, self.world.now + seconds)

    def sleep(self, seconds: float) -> None:
        """The machine sleeps, and with it all of its processes."""
        self.freeze(seconds)
        if not self.counts_sleep:
            self.slept_s += seconds


class Service:
    """/auth/token over one chain, and an API that takes its access tokens. The clock here is right."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.chain = Chain("s", 2**60, 2**60, ["r0"])
        self._ends: dict[str, float] = {}
        self._count = itertools.count()
        self.outages: list[tuple[float, float]] = []

    def answer(self, generation: int) -> dict[str, Any]:
        access = f"a{next(self._count)}"
        life = self._world.plan.life_s
        self._ends[access] = self._world.now + life
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": life,
            "refresh_token": f"r{generation}",
            "refresh_expires_in": 1_000_000,
            "scope": "",
            "session_id": "s",
            "device_id": "d",
        }

    def token(self, send: Send) -> Reply:
        figures, now = self._world.figures, self._world.now
        if any(since <= now < until for since, until in self.outages):
            return Reply(503, {**JSON, "retry-after": "3"}, b'{"error": "temporarily_unavailable"}')
        form = dict(pair.split("=") for pair in send.request.body.decode().split("&"))
        generation = int(form["refresh_token"][1:])
        key = send.request.headers.get("Idempotency-Key")
        verdict = self.chain.verdict(generation, key, now)  # type: ignore[arg-type]
        match verdict:
            case "rotate":
                self.chain.rotated(f"r{generation + 1}", key, now, 2**60)  # type: ignore[arg-type]
                figures.rotations += 1
            case "repeat":
                figures.repeats += 1
            case "reuse":
                self.chain.is_revoked = True
                figures.ended += 1
        if verdict in ("rotate", "repeat"):
            return Reply(200, JSON, json.dumps(self.answer(generation + 1)).encode())
        return Reply(400, JSON, b'{"error": "invalid_grant"}')

    def api(self, access_token: str) -> Reply:
        is_good = not self.chain.is_revoked and self._ends.get(access_token, 0.0) > self._world.now
        if is_good and self._world.chance.random() < self._world.plan.misfortunes.api_refuses:
            is_good = False
        return Reply(200 if is_good else 401, {}, b"")


class World:
    def __init__(self, seed: int, plan: Plan) -> None:
        self.plan, self.chance = plan, random.Random(seed)
        self.now = 0.0
        self.figures = Figures()
        self.text: str | None = None
        self.service = Service(self)
        self.processes: list[Process] = []
        self._events: list[tuple[float, int, Callable[[], None], Process | None]] = []
        self._order = itertools.count()
        self._counts_sleep = self.chance.random() < 0.5
        self.blind_swaps = False
        self.check = check

    def at(self, after_s: float, what: Callable[[], None], process: Process | None = None) -> None:
        heapq.heappush(self._events, (self.now + after_s, next(self._order), what, process))

    def play(self) -> Figures:
        plan, chance = self.plan, self.chance
        first = self._process()
        self.text = text_of(Saved(ISSUER).signed_in(self.service.answer(0), "salt", first.now()))
        while len(self.processes) < plan.processes:
            self._process()
        for process in self.processes:
            for _ in range(plan.threads):
                self._call_later(process)
        for _ in range(plan.misfortunes.jumps):
            self.at(chance.uniform(0, plan.lasts_s), self._jump)
        for _ in range(plan.misfortunes.sleeps):
            self.at(chance.uniform(0, plan.lasts_s), self._sleep)
        for _ in range(plan.misfortunes.outages):
            since = chance.uniform(0, plan.lasts_s)
            self.service.outages.append((since, since + chance.expovariate(1 / 30)))
        while self._events and not self.figures.ended:
            at, order, what, process = heapq.heappop(self._events)
            if at > plan.lasts_s:
                break
            if process and process.frozen_until > at:
                heapq.heappush(self._events, (process.frozen_until, order, what, process))
                continue
            self.now = at
            if process is None or process.is_alive:
                what()
        return self.figures

    def _process(self) -> Process:
        odd = self.plan.misfortunes.own_clocks
        process = Process(self, self.chance.uniform(-3600, 3600) if odd else 0.0, self._counts_sleep)
        process.session = seeded(
            Session(ISSUER, Text(), apis=["https://api.test"], clock=process), self.chance
        )
        process.session.on(lambda event: self._told(event))
        self.processes.append(process)
        return process

    def _told(self, event: object) -> None:
        if isinstance(event, SignedOutEvent):
            self.figures.signed_out += 1

    def _jump(self) -> None:
        by = self.chance.choice((-3600.0, 3600.0, 120.0, -30.0))
        for process in self.processes:
            process.offset_s += by

    def _sleep(self) -> None:
        seconds = self.chance.choice((20.0, 400.0, 1500.0))
        for process in self.processes:
            process.sleep(seconds)

    def _call_later(self, process: Process) -> None:
        self.at(self.chance.expovariate(1 / self.plan.think_s), lambda: self._call(process), process)

    def _call(self, process: Process) -> None:
        steps = process.session._calls.call(Target("GET", "https://api.test/", True))
        self._run(process, steps, lambda: self._call_later(process))

    def _run(self, process: Process, steps: Any, then: Callable[[], None]) -> None:
        self._go_on(process, lambda: Run(steps), then)

    def _go_on(self, process: Process, resume: Callable[[], Run[Any]], then: Callable[[], None]) -> None:
        try:
            run = resume()
        except SignedOut:
            return
        except AuthError:
            self.figures.errors += 1
            then()
            return
        if run.step is None:
            then()
        elif self._strikes(process):
            step = run.step
            self.at(0, lambda: self._perform(process, run, step, then), process)

    def _strikes(self, process: Process) -> bool:
        """Whether the process goes on; it may do so later."""
        bad, drawn = self.plan.misfortunes, self.chance.random()
        if drawn < bad.killed and len(self.processes) > 1:
            process.is_alive = False
            self.processes.remove(process)
            another = self._process()
            another.offset_s = process.offset_s
            for _ in range(self.plan.threads):
                self._call_later(another)
            return False
        if drawn > 1 - bad.frozen:
            process.freeze(self.chance.choice(bad.frozen_for_s))
        return True

    def _perform(self, process: Process, run: Run[Any], step: Step, then: Callable[[], None]) -> None:
        def later(after_s: float, result: Any = None, failure: Exception | None = None) -> None:
            def resume() -> Run[Any]:
                run.resume(result, failure)
                return run

            self.at(after_s, lambda: self._go_on(process, resume, then), process)

        match step:
            case Load():
                later(self.plan.read_s * self.chance.random(), self.text)
            case Swap(seen, new):
                if self.chance.random() < self.plan.misfortunes.write_fails:
                    later(0, failure=StoreError("full"))
                    return
                is_same = self.text == seen or self.blind_swaps
                if is_same:
                    self.text = new
                later(0, is_same)
            case Wait(seconds):
                later(seconds)
            case Call(headers):
                reply = self.service.api(headers["Authorization"].removeprefix("Bearer "))
                self.figures.calls += 1
                self.figures.refused_calls += reply.status == 401
                later(0.1, reply)
            case Send():
                connect_s = (
                    self.chance.choice((3.0, 20.0))
                    if self.chance.random() < self.plan.misfortunes.slow_connect
                    else 0.02
                )
                self.at(connect_s, lambda: self._send(process, step, later), process)

    def _send(self, process: Process, send: Send, later: Callable[..., None]) -> None:
        """The connection stands. What is sent arrives, or not, also if the process freezes or dies now."""
        bad, chance = self.plan.misfortunes, self.chance
        try:
            self.check(send, process)
        except Late as late:
            later(0, failure=late)
            return
        if self.now < process.not_before:
            self.figures.too_soon += 1
        timeout_s = send.timeout_s
        if chance.random() < bad.replays:
            self.at(chance.uniform(60, 2000), lambda: self.service.token(send) and None)
        if chance.random() < bad.request_lost:
            later(timeout_s, failure=NoAnswer())
            return
        under_way_s = chance.uniform(0, bad.delay_s) if chance.random() < bad.delayed else 0.05

        def arrive() -> None:
            reply = self.service.token(send)
            if chance.random() < bad.answer_cut:
                reply = Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])
            if chance.random() < bad.answer_lost or under_way_s + 0.05 > timeout_s:
                later(max(0.0, timeout_s - under_way_s), failure=NoAnswer())
            else:
                if "retry-after" in reply.headers:
                    process.not_before = self.now + float(reply.headers["retry-after"])
                later(0.05, reply)

        self.at(under_way_s, arrive)


class Text:
    """Never asked: the simulation carries out what the core wants of its store."""

    def get(self) -> str | None:
        raise NotImplementedError

    def swap(self, seen: str | None, new: str | None) -> bool:
        raise NotImplementedError


def seeded(session: Session, chance: random.Random) -> Session:
    session._keeper._chance = chance
    session._refresher._outage.chance = chance
    return session
