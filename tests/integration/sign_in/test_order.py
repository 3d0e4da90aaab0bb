"""What starts and what ends a user's sessions comes one after the other: no session outlives its reason."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.domain.errors import InvalidGrant, TokenServiceError
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.end_session import forget_device
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.login import LoginRequest, login
from tests.support.locks import HOLD_ORDER, held, waiting_statements
from tests.support.sign_ins import (
    ENDS,
    MODES,
    PASSWORD,
    REFUSALS,
    SIGN_INS,
    Person,
    by_backend,
    by_device,
    by_password,
    environment,
    hashed,
    operator_ends_all,
    person,
    sessions,
)
from tests.support.world import CALLER, World

ROUNDS = 50

each_sign_in = pytest.mark.parametrize("sign_in", SIGN_INS)
each_end = pytest.mark.parametrize("end", ENDS)
each_mode = pytest.mark.parametrize("mode", MODES)


class BeforeTheTransaction:
    """A store that does something else once, just before a sign-in's transaction begins."""

    def __init__(self, inner: Any, meanwhile: Callable[[], None]) -> None:
        self._inner, self._meanwhile = inner, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def start_session(self, *arguments: Any) -> Any:
        self._once()
        return self._inner.start_session(*arguments)

    def start_session_of(self, *arguments: Any) -> Any:
        self._once()
        return self._inner.start_session_of(*arguments)

    def _once(self) -> None:
        meanwhile, self._meanwhile = self._meanwhile, lambda: None
        meanwhile()


@each_mode
@each_end
@each_sign_in
def test_a_sign_in_whose_reason_goes_while_it_runs_is_refused_and_leaves_no_row(
    world: World, sign_in: str, end: str, mode: str
) -> None:
    someone, deps = person(world), environment(world)
    rows = someone.rows()

    def a_moment_later() -> None:
        world.clock.now += 1
        ENDS[end](someone)

    overtaken = replace(deps, store=BeforeTheTransaction(deps.store, a_moment_later))

    with pytest.raises(REFUSALS[sign_in]):
        SIGN_INS[sign_in](someone, MODES[mode], overtaken)

    assert (someone.live(), someone.rows()) == (0, rows)


@each_end
@each_sign_in
def test_an_end_that_comes_while_a_sign_in_commits_waits_for_it_and_ends_its_session(
    world: World, monkeypatch: pytest.MonkeyPatch, sign_in: str, end: str
) -> None:
    someone, deps = person(world), environment(world)

    with beside_the_commit(monkeypatch, lambda: ENDS[end](someone)) as is_waiting:
        SIGN_INS[sign_in](someone, TokenKind.REFRESH, deps)

    assert is_waiting == [True]
    assert someone.live() == 0


@contextmanager
def beside_the_commit(monkeypatch: pytest.MonkeyPatch, begin: Callable[[], None]) -> Iterator[list[bool]]:
    """Begins an end or another sign-in once a sign-in's rows are written; tells whether it had to wait for the
    commit."""
    is_waiting: list[bool] = []
    execute = Transaction.execute
    other = threading.Thread(target=begin)
    owner = threading.get_ident()

    def committing(statements: Transaction, sql: str, parameters: Any = ()) -> int:
        if sql == "COMMIT" and threading.get_ident() == owner and not is_waiting:
            other.start()
            other.join(0.15)
            is_waiting.append(other.is_alive())
        return execute(statements, sql, parameters)

    monkeypatch.setattr(Transaction, "execute", committing)
    yield is_waiting
    other.join()


@each_end
@each_sign_in
def test_of_a_sign_in_and_an_end_at_once_no_session_is_left(world: World, sign_in: str, end: str) -> None:
    environments = [environment(world) for _ in range(2)]
    left = []
    with ThreadPoolExecutor(3) as pool:
        for number in range(ROUNDS):
            someone, barrier = person(world), Barrier(2)

            def begin(deps: IssueDeps, someone: Person = someone, barrier: Barrier = barrier) -> None:
                barrier.wait()
                try:
                    SIGN_INS[sign_in](someone, TokenKind.REFRESH, deps)
                except TokenServiceError:
                    return

            def finish(someone: Person = someone, barrier: Barrier = barrier) -> None:
                barrier.wait()
                ENDS[end](someone)

            running = [pool.submit(begin, environments[number % 2]), pool.submit(finish)]
            for future in running:
                future.result()
            left.append(someone.live())

    if sign_in == "exchange" or end == "user disabled" or (sign_in, end) == ("login", "password changed"):
        assert left == [0] * ROUNDS
    else:  # A login or issue that began after the end, as one of the two may, is a new one.
        assert max(left) <= 1


@each_sign_in
def test_a_change_that_no_event_told_yet_is_seen_by_a_running_sign_in(world: World, sign_in: str) -> None:
    someone, deps = person(world), environment(world)
    overtaken = replace(deps, store=BeforeTheTransaction(deps.store, lambda: world.disable(someone.name)))

    with pytest.raises(REFUSALS[sign_in]):
        SIGN_INS[sign_in](someone, TokenKind.REFRESH, overtaken)


def test_a_sign_in_after_an_end_is_a_new_one(world: World) -> None:
    someone, deps = person(world), environment(world)

    operator_ends_all(someone)
    by_password(someone, TokenKind.REFRESH, deps)
    by_backend(someone, TokenKind.REFRESH, deps)

    assert someone.live() == 2


def test_a_hash_made_anew_by_a_simultaneous_login_refuses_nobody(world: World) -> None:
    someone, deps = person(world), environment(world)
    anew = hashed(PASSWORD)

    def upgraded_elsewhere() -> None:
        world.sql("UPDATE auth_users SET password_hash = %s WHERE id = %s", anew, someone.user_id)

    overtaken = replace(deps, store=BeforeTheTransaction(deps.store, upgraded_elsewhere))

    by_password(someone, TokenKind.REFRESH, overtaken)

    assert someone.live() == 3


def test_no_session_is_left_on_a_device_that_is_forgotten_while_its_token_is_exchanged(world: World) -> None:
    deps = environment(world)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            someone, barrier = person(world), Barrier(2)

            def exchange(someone: Person = someone, barrier: Barrier = barrier) -> None:
                barrier.wait()
                try:
                    by_device(someone, TokenKind.REFRESH, deps)
                except InvalidGrant:
                    return

            def forget(someone: Person = someone, barrier: Barrier = barrier) -> None:
                barrier.wait()
                forget_device(someone.device_id, someone.user_id, CALLER, sessions(someone))

            for future in [pool.submit(exchange), pool.submit(forget)]:
                future.result()
            assert someone.live() == 1  # the one elsewhere


def test_a_sign_in_on_a_device_that_is_forgotten_meanwhile_gets_a_device_of_its_own(world: World) -> None:
    someone, deps = person(world), environment(world)

    def forget() -> None:
        forget_device(someone.device_id, someone.user_id, CALLER, sessions(someone))

    overtaken = replace(deps, store=BeforeTheTransaction(deps.store, forget))
    options = SessionOptions(device=DeviceRequest(id=someone.device_id, remember=True))

    answer = login(LoginRequest(someone.name, PASSWORD, options), CALLER, overtaken)

    assert answer.device_id != someone.device_id
    assert someone.live() == 2


@pytest.mark.parametrize("first", SIGN_INS)
@pytest.mark.parametrize("second", ["login", "issue"])
def test_a_sign_in_that_waited_for_another_sees_the_session_that_it_left(
    world: World, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    someone, environments = person(world, max_sessions=1), [environment(world) for _ in range(2)]

    def sign_in_as_well() -> None:
        SIGN_INS[second](someone, TokenKind.REFRESH, environments[1])

    with beside_the_commit(monkeypatch, sign_in_as_well) as is_waiting:
        SIGN_INS[first](someone, TokenKind.REFRESH, environments[0])

    assert is_waiting == [True]
    assert someone.live() == 1


@each_sign_in
def test_a_sign_in_that_waits_for_its_turn_holds_no_row_of_the_portal(world: World, sign_in: str) -> None:
    someone, deps = person(world), environment(world)

    with ThreadPoolExecutor(1) as pool:
        with held(world, HOLD_ORDER, someone.user_id):
            begun = pool.submit(SIGN_INS[sign_in], someone, TokenKind.REFRESH, deps)
            while not waiting_statements(world):
                time.sleep(0.01)
            time.sleep(0.1)
            with closing(world.connect()) as portal, portal.cursor() as cursor:
                free = cursor.execute(
                    "SELECT id FROM auth_users WHERE id = %s FOR UPDATE NOWAIT", (someone.user_id,)
                )
        begun.result()

    assert free == 1


def test_first_sign_ins_at_once_see_each_other_and_wait_for_nobody_else(world: World) -> None:
    environments = [environment(world) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(ROUNDS):
            names = [world.user(max_sessions=1), world.user()]
            someone, neighbour = (Person(world, name, world.user_id(name)) for name in names)
            barrier = Barrier(3)

            def begin(person: Person, deps: IssueDeps, barrier: Barrier = barrier) -> None:
                barrier.wait()
                by_backend(person, TokenKind.REFRESH, deps)

            list(pool.map(begin, (someone, someone, neighbour), environments))
            assert (someone.live(), neighbour.live()) == (1, 1)
    assert "DatabaseContended" not in world.telemetry.counts


def test_the_session_limit_holds_under_parallel_exchanges(world: World) -> None:
    name = world.user(max_sessions=2)
    remembered = SessionOptions(device=DeviceRequest(remember=True))
    request = IssueRequest(world.user_id(name), ("sso",), options=remembered)
    tokens = [issue(request, CALLER, world.issuing).device_token or "" for _ in range(8)]
    environments = [environment(world) for _ in tokens]
    barrier = Barrier(len(tokens))

    def exchange(index: int) -> None:
        barrier.wait()
        exchange_device_token(ExchangeRequest(tokens[index]), CALLER, environments[index])

    with ThreadPoolExecutor(len(tokens)) as pool:
        list(pool.map(exchange, range(len(tokens))))

    assert Person(world, name, world.user_id(name)).live() == 2
