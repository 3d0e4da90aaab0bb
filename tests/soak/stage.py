"""One soak: the service with a database of its own, clients, thieves and faults, from start to evaluation."""

from __future__ import annotations

import contextlib
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from auth_tokens.time_left import RESERVE_S
from local.options import RunnerOptions, ServerOptions
from local.runners.clocks import FunctionClocks
from local.runners.lambda_runner import Failure, LambdaRunner
from local.seed import add_population
from local.servers.database.clock import database_clock, tidy
from local.servers.database.private import private_server
from local.stack import LocalStack
from tests.soak.clients import HonestClient, Robbed, Traits, traits_of
from tests.soak.evaluation import Figures, Promise, Stored, evaluate
from tests.soak.faults import OF_DATABASE, OF_FUNCTIONS, Kind, ServerFaults, Striker
from tests.soak.ledger import Ledger
from tests.soak.service import HttpService, Person

# As AWS has one for each request at work; what finds none is refused, not queued.
ENVIRONMENTS = 10
QUEUE_S = 1.0
# Clients without a key count on the retry window: they give up in good time to ask again within it.
HASTY_S, TIMEOUT_S = 4.0, 12.0
# A theft takes this long.
LAST_THEFT_S = 35.0


@dataclass(frozen=True, slots=True)
class Run:
    """How long, with how many, by which seed. folder: for data and logs, None for one that goes with the run."""

    lasts_s: float
    seed: int = 1
    clients: int = 20
    thieves: int = 3
    folder: Path | None = None
    say: Callable[[str], None] = field(default=lambda line: print(line, file=sys.stderr, flush=True))


class Clock:
    """This machine's."""

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def soak(run: Run) -> Figures:
    """Raises NoServer, DatabaseFailed."""
    with (
        tempfile.TemporaryDirectory(prefix="aut-") as passing,
        _stage(run.folder or Path(passing), run) as stage,
    ):
        return stage.play()


@dataclass(slots=True)
class _Stage:
    run: Run
    stack: LocalStack
    striker: Striker
    people: list[Person]
    kinds: list[Kind]
    ledger: Ledger

    def play(self) -> Figures:
        """Faults of the database come from this thread, whose end would be the server's."""
        run = self.run
        began = time.monotonic()

        calm = threading.Event()

        def is_over(margin_s: float = 0) -> bool:
            return time.monotonic() - began > run.lasts_s - margin_s

        acts = [self._act(client.run, calm.is_set) for client in self._clients()]
        acts += [self._act(thief.run, lambda: is_over(LAST_THEFT_S)) for thief in self._thieves()]
        of_functions = self._act(self.striker.run, f"{run.seed} functions", OF_FUNCTIONS, is_over)
        of_database = [kind for kind in OF_DATABASE if kind in self.kinds]
        self.striker.run(f"{run.seed} database", of_database, is_over)
        of_functions.join()
        calm.set()
        for act in acts:
            act.join()
        return self._judged()

    def _clients(self) -> Iterator[HonestClient]:
        for number, person in enumerate(self.people[: self.run.clients]):
            yield self._client(HonestClient, number, person, traits_of(number))

    def _thieves(self) -> Iterator[HonestClient]:
        for number, person in enumerate(self.people[self.run.clients :], self.run.clients):
            yield self._client(
                Robbed, number, person, traits_of(2 * (number % 2))
            )  # bearer and cookie, with keys

    def _client(self, kind: type[HonestClient], number: int, person: Person, traits: Traits) -> HonestClient:
        source = f"127.78.{number // 250}.{number % 250 + 1}" if sys.platform == "linux" else ""
        service = HttpService(self.stack.base_url, source, TIMEOUT_S if traits.has_key else HASTY_S)
        chance = random.Random(f"{self.run.seed} client {number}")
        return kind(person, traits, service, self.ledger, chance, Clock())

    def _act(self, act: Callable[..., None], *arguments: object) -> threading.Thread:
        def run() -> None:
            try:
                act(*arguments)
            except Exception as exc:
                self.ledger.surprise(f"the soak itself: {type(exc).__name__}: {exc}")
                raise

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _judged(self) -> Figures:
        runner = self.striker.runner
        unstruck = [each for each in runner.failures if each.pid not in self.striker.struck]
        failures = [f"{each.function}: {each.error_type}" for each in unstruck if not is_starved(each)]
        for text, count in Counter(failures).items():
            self.run.say(f"not struck, and failed {count} times: {text}")
        tables = stored(self.stack)
        figures = evaluate(
            self.ledger,
            tables,
            Promise(),
            server_errors=server_errors(self.stack),
            failures=len(failures),
            starved=len(unstruck) - len(failures),
        )
        lost = {each.session_id for each in self.ledger.refused if each.session_id}
        lost |= {each.request_id for each in self.ledger.denied if each.request_id not in tables.blind}
        if figures.false_alarms:
            lost.update(*tables.alarmed.values())
        return replace(figures, evidence=(*figures.evidence, *trail(self.stack.state_dir / "logs", lost)))


@contextlib.contextmanager
def _stage(folder: Path, run: Run) -> Iterator[_Stage]:
    folder.mkdir(parents=True, exist_ok=True)
    clock = database_clock(folder / "database-clock")
    if clock is None:
        run.say("libfaketime is missing, the database's clock stays: scripts/setup-programs clock")
    server = private_server(folder / "database", environment=clock.environment if clock else {})
    clocks = FunctionClocks(folder / "clocks")
    server.start()
    try:
        server.wait()
        at = server.address
        with LocalStack(
            servers=ServerOptions(database=at),
            runner=RunnerOptions(clocks=clocks, max_environments=ENVIRONMENTS, queue_s=QUEUE_S),
            state_dir=folder / "state",
        ) as stack:
            runner, ledger = stack.runner, Ledger()
            assert isinstance(runner, LambdaRunner)
            began = time.monotonic()

            def say(line: str) -> None:
                run.say(f"{time.monotonic() - began:7.1f}  {line}")

            faults = ServerFaults(server, clock)
            striker = Striker(faults, runner, stack.aws, clocks, ledger, say)
            people = populate(stack, run.clients + run.thieves)
            kinds = [kind for kind in Kind if clock or kind is not Kind.DATABASE_CLOCK]
            yield _Stage(run, stack, striker, people, kinds, ledger)
    finally:
        server.thaw()
        server.stop()
        tidy()


def populate(stack: LocalStack, count: int) -> list[Person]:
    """So many users of their own."""
    with contextlib.closing(stack.connect()) as connection:
        return [Person(user.id, user.username) for user in add_population(connection, count)]


def stored(stack: LocalStack) -> Stored:
    """What the tables hold."""
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, session_id FROM auth_token_events WHERE type = 'token_reuse_detected' ORDER BY id"
        )
        alarmed: dict[str, list[str]] = {}
        for user_id, session_id in cursor.fetchall():
            alarmed.setdefault(user_id, []).append(_uuid(session_id or b""))
        cursor.execute(
            "SELECT id, type, user_id, generation, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', rotated_at) / 1000000"
            " FROM auth_user_tokens WHERE type IN ('refresh', 'session', 'device')"
        )
        rows = cursor.fetchall()
        cursor.execute(
            "SELECT COUNT(*) FROM (SELECT device_id FROM auth_user_tokens"
            " WHERE type IN ('refresh', 'session') AND revoked_at IS NULL AND device_id IS NOT NULL"
            " GROUP BY device_id HAVING COUNT(*) > 1) AS doubled"
        )
        [doubled] = cursor.fetchone() or [0]
    rotated: dict[str, list[float]] = {}
    generations: dict[str, int] = {}
    for row_id, kind, user_id, generation, rotated_at in rows:
        name = user_id if kind == "device" else _uuid(row_id)
        if kind != "device":
            generations[name] = generation
        if rotated_at is not None:
            rotated.setdefault(name, []).append(float(rotated_at))
    events = {user_id: len(sessions) for user_id, sessions in alarmed.items()}
    blind = blind_requests(stack.state_dir / "logs")
    return Stored(events, rotated, generations, doubled, blind, alarmed)


def is_starved(failure: Failure) -> bool:
    """Did the function lose the time that it keeps for its answer by computing, or by waiting for a processor of this
    machine? Such a timeout is no fault of its patience; one that waited for somebody else is."""
    return failure.busy_s is not None and failure.busy_s > RESERVE_S


def trail(logs: Path, ids: set[str]) -> list[str]:
    """What the functions' logs say of refusals of these sessions and requests."""
    lines = (
        line for log in sorted(logs.glob("*.log")) for line in log.read_text(errors="replace").splitlines()
    )
    about = (line for line in lines if "invalid_" in line and any(each in line for each in ids))
    return [line.partition(', "_aws"')[0].partition(',"_aws"')[0] for line in about]


def blind_requests(logs: Path) -> set[str]:
    """The requests that the authorizer refused because it could reach neither keys nor rows in time: at an HTTP API
    their answer is the same 403 as a revoked token's."""
    lines = (logs / "AuthorizerFunction.log").read_text(errors="replace").splitlines()
    found = (json.loads(line) for line in lines if '"temporarily_unavailable"' in line)
    return {line["request_id"] for line in found}


def server_errors(stack: LocalStack) -> int:
    """500s that the functions counted themselves, also those whose answer nobody waited for."""
    page = HttpService(stack.base_url, "", 60).metrics()
    lines = [line.split() for line in page.splitlines()]
    return sum(int(float(line[2])) for line in lines if line[:1] == ["ServerError"])


def _uuid(row_id: bytes) -> str:
    text = row_id.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
