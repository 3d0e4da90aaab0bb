"""People who are signed in at the Portal come to the service, each several times at once, while the Portal rotates the
tokens of some of them and connections break: nobody may be signed out, and nobody signed in twice."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest

from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidGrant, RateLimited, Unavailable
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.take_over import TakeoverRequest, take_over
from auth_tokens.usecases.takeover_deps import TakeoverDeps
from tests.support import wiring
from tests.support.takeover_stage import Stage, deps_of

AT_ONCE = 4
# Of all commits: half of these connections break before the commit, half before its answer.
BREAKS = 0.1
LOST = 2013


@dataclass(frozen=True, slots=True)
class Person:
    """address: their own, as misses count by source; rotates: the Portal rotates their token meanwhile."""

    user: str
    token: str
    address: str
    rotates: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a person holds in the end. token: the Portal's last for them; answers: of the calls with the token that the
    service took, each (session, token); here: live sessions of ours; there: is the token in force at the Portal?"""

    person: Person
    token: str
    answers: frozenset[tuple[str, str]]
    here: int
    there: bool
    has_same_end: bool


@dataclass(frozen=True, slots=True)
class Report:
    """How many people are in each state. rotated: the Portal's rotation came first; contended: transactions that waited
    in vain and ran again."""

    people: int
    moved: int
    rotated: int
    signed_out: int
    doubled: int
    unequal: int
    other_end: int
    broken: int
    contended: int

    @property
    def is_clean(self) -> bool:
        return not (self.signed_out or self.doubled or self.unequal or self.other_end)


class Breaks:
    """Connections that break around their commits."""

    def __init__(self, seed: int) -> None:
        self.count = 0
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    @contextmanager
    def happening(self) -> Iterator[None]:
        execute = Transaction.execute

        def breaking(statements: Transaction, sql: str, parameters: Any = ()) -> int:
            kind = self._kind() if sql == "COMMIT" else ""
            if kind == "before":
                self._break(statements)
            count = execute(statements, sql, parameters)
            if kind == "after":
                self._break(statements)
            return count

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transaction, "execute", breaking)
            yield

    def _kind(self) -> str:
        with self._lock:
            drawn = self._random.random()
            self.count += drawn < BREAKS
        return "" if drawn >= BREAKS else "before" if drawn < BREAKS / 2 else "after"

    def _break(self, statements: Transaction) -> None:
        statements._connection._force_close()  # type: ignore[attr-defined]
        raise pymysql.err.OperationalError(LOST, "Lost connection to MySQL server during query")


def signed_in(stage: Stage, count: int) -> list[Person]:
    """People of the Portal, each with a token. A third of them go on using it there."""
    users = stage.portal.people(count)
    begun = [stage.portal.start("issue", user=user) for user in users]
    tokens = [each.result(60) for each in begun]
    return [
        Person(user, token, f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", n % 3 == 0)
        for n, (user, token) in enumerate(zip(users, tokens, strict=True), start=1)
    ]


def run(stage: Stage, count: int, environments: int = 12, seed: int = 1) -> Report:
    """All of it. environments: each has its own connection."""
    people = signed_in(stage, count)
    ends = _ends(stage)
    made = [
        wiring.Container(stage.world.telemetry, stage.world.settings, may_create_keys=True)
        for _ in range(environments)
    ]
    callers = [_Caller(deps_of(shared)) for shared in made]
    breaks = Breaks(seed)
    with ThreadPoolExecutor(environments) as pool, breaks.happening():
        taken = list(
            _in_groups(people, environments // AT_ONCE, lambda group: _present(group, callers, pool, stage))
        )
    outcomes = [_outcome(stage, person, held, answers, ends) for person, held, answers in taken]
    for shared in made:
        shared.database.close()
    return _report(outcomes, breaks.count, int(stage.world.telemetry.counts.get("DatabaseContended", 0)))


class _Caller:
    """One execution environment: one call at a time."""

    def __init__(self, deps: TakeoverDeps) -> None:
        self._deps = deps
        self._lock = threading.Lock()

    def present(self, token: str, person: Person) -> tuple[str, str] | None:
        """As a client does: 429 and 503 are waited for, invalid_grant is final (None)."""
        request = TakeoverRequest(token, TokenKind.REFRESH, SessionOptions())
        for _ in range(100):
            try:
                with self._lock:
                    answer = take_over(request, Caller(person.address, "trial"), self._deps)
                return answer.session_id, answer.token
            except (RateLimited, Unavailable):
                time.sleep(0.05)
            except InvalidGrant:
                return None
        raise AssertionError("no answer in a hundred tries")


_Held = tuple[Person, str, frozenset[tuple[str, str]]]


def _in_groups(
    people: Sequence[Person], size: int, present: Callable[[Sequence[Person]], list[_Held]]
) -> Iterator[_Held]:
    for first in range(0, len(people), size):
        yield from present(people[first : first + size])


def _present(
    group: Sequence[Person], callers: Sequence[_Caller], pool: ThreadPoolExecutor, stage: Stage
) -> list[_Held]:
    """Each person's token, several times at once; those whose token the Portal has rotated come again with the next."""
    rotations = {p.user: stage.portal.start("rotate", token=p.token) for p in group if p.rotates}
    first = _at_once([(p, p.token) for p in group], callers, pool)
    nexts = {user: rotation.result(60) for user, rotation in rotations.items()}
    late = [(p, nexts[p.user]) for p in group if not any(first[p.user]) and nexts.get(p.user)]
    second = _at_once(late, callers, pool)
    held = []
    for person in group:
        answers = second.get(person.user) or first[person.user]
        token = nexts.get(person.user) or person.token
        # A refusal among answers is an answer that differs.
        held.append((person, token, frozenset(a or ("refused", "") for a in answers)))
    return held


def _at_once(
    shown: Sequence[tuple[Person, str]], callers: Sequence[_Caller], pool: ThreadPoolExecutor
) -> dict[str, list[tuple[str, str] | None]]:
    begun = {
        person.user: [
            pool.submit(callers[(n * AT_ONCE + each) % len(callers)].present, token, person)
            for each in range(AT_ONCE)
        ]
        for n, (person, token) in enumerate(shown)
    }
    return {user: [each.result() for each in calls] for user, calls in begun.items()}


def _ends(stage: Stage) -> dict[str, int]:
    """User → the end of their token at the Portal, epoch seconds."""
    legacy, schema = stage.deps.legacy, stage.portal.address.name
    assert legacy.ends is not None
    column = legacy.ends.column
    if legacy.ends.zone:
        column = f"CONVERT_TZ({column}, '{legacy.ends.zone}', '+00:00')"
    rows = stage.world.sql(
        f"SELECT CAST(user_id AS CHAR) AS user, TIMESTAMPDIFF(SECOND, '1970-01-01', {column}) AS ends"
        f" FROM {schema}.{legacy.table} WHERE type = 'refresh'"
    )
    return {row["user"]: int(row["ends"]) for row in rows}


def _outcome(
    stage: Stage, person: Person, token: str, answers: frozenset[tuple[str, str]], ends: dict[str, int]
) -> Outcome:
    rows = stage.world.sql(
        "SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', absolute_expires_at) AS ends FROM auth_user_tokens"
        " WHERE user_id = %s AND type = 'refresh' AND revoked_at IS NULL",
        person.user,
    )
    has_same_end = all(row["ends"] == ends[person.user] for row in rows)
    return Outcome(person, token, answers, len(rows), stage.portal.is_in_force(token), has_same_end)


def _report(outcomes: Sequence[Outcome], broken: int, contended: int) -> Report:
    return Report(
        people=len(outcomes),
        moved=sum(o.here == 1 and not o.there for o in outcomes),
        rotated=sum(o.token != o.person.token for o in outcomes),
        signed_out=sum(o.here + o.there == 0 for o in outcomes),
        doubled=sum(o.here + o.there > 1 for o in outcomes),
        unequal=sum(len(o.answers) != 1 for o in outcomes),
        other_end=sum(not o.has_same_end for o in outcomes),
        broken=broken,
        contended=contended,
    )
