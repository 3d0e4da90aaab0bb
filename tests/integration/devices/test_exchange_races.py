"""Exchanges of a device token against each other, and against everything that ends the device, its sessions or its
user: one session and one successor, and none that outlives the end.

Real connections and a barrier, fifty rounds each. tests/integration/sign_in/test_order.py has the ends of everything.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Barrier
from typing import TypeVar

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.ends import UserChange
from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.cleanup import cleanup
from auth_tokens.usecases.end_session import end_session, forget_device
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import end_what_began_before
from auth_tokens.usecases.rotate_keys import rotate_keys
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.sign_ins import Person, by_backend, by_password, environment, person
from tests.support.world import CALLER, World

T = TypeVar("T")
ROUNDS = 50
# A deadlock fails the test instead of holding it up for ever.
LIMIT_S = 60


@dataclass(frozen=True)
class Elsewhere:
    """Another execution environment, from which a device, its sessions or its user end."""

    issuing: IssueDeps
    sessions: SessionDeps


@pytest.fixture(scope="module")
def elsewhere(world: World) -> Elsewhere:
    return Elsewhere(environment(world), wiring.sessions(world.environment()))


@pytest.fixture(scope="module")
def deps(world: World) -> IssueDeps:
    return environment(world)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(50) as threads:
        yield threads


def at_once(pool: ThreadPoolExecutor, calls: Sequence[Callable[[], T]]) -> list[T]:
    """What each returns; all of them start together."""
    barrier = Barrier(len(calls), timeout=LIMIT_S)

    def start(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    running = [pool.submit(start, call) for call in calls]
    return [each.result(LIMIT_S) for each in running]


def exchange(token: str, deps: IssueDeps, key: str | None = None) -> TokenAnswer:
    return exchange_device_token(ExchangeRequest(token, retry_key=key), CALLER, deps)


def exchanged(someone: Person, deps: IssueDeps) -> TokenAnswer | None:
    """None: refused."""
    try:
        return exchange(someone.device_token, deps)
    except InvalidGrant:
        return None


def live_on_device(someone: Person) -> int:
    return sum(
        row["revoked_at"] is None and row["type"] != "device"
        for row in someone.world.rows_of(someone.name)
        if row["device_id"] == uuid.UUID(someone.device_id).bytes
    )


# --- what ends the device, or lets no session of it live


def _token_revoked(someone: Person, elsewhere: Elsewhere) -> object:
    return revoke_token(someone.device_token, None, CALLER, elsewhere.sessions)


def _forgotten(someone: Person, elsewhere: Elsewhere) -> object:
    return forget_device(someone.device_id, someone.user_id, CALLER, elsewhere.sessions)


def _session_ended(someone: Person, elsewhere: Elsewhere) -> object:
    """The session that the list showed: the exchange replaces it at this moment."""
    device_id = uuid.UUID(someone.device_id).bytes
    rows = someone.world.rows_of(someone.name)
    [session] = (row for row in rows if row["device_id"] == device_id and row["amr"] == "sso")
    return end_session(str(uuid.UUID(bytes=session["id"])), someone.user_id, CALLER, elsewhere.sessions)


def _others_logged_out(someone: Person, elsewhere: Elsewhere) -> object:
    return _logged_out(someone, elsewhere, keep_devices=False)


def _portal_event(someone: Person, elsewhere: Elsewhere) -> object:
    reason, now = RevokeReason.PASSWORD_CHANGED, someone.world.clock()
    return end_what_began_before(UserChange(someone.user_id, reason, now), elsewhere.sessions)


def _disabled_without_an_event(someone: Person, _: Elsewhere) -> object:
    return someone.world.disable(someone.name)


def _logged_out(someone: Person, elsewhere: Elsewhere, *, keep_devices: bool) -> object:
    claims = validate(
        Credential(Transport.BEARER, someone.access_token), elsewhere.sessions.validation
    ).claims
    return logout(LogoutScope.OTHERS, claims, CALLER, elsewhere.sessions, keep_devices=keep_devices)


ENDINGS: dict[str, Callable[[Person, Elsewhere], object]] = {
    "revocation of the token": _token_revoked,
    "device forgotten": _forgotten,
    "end of its session": _session_ended,
    "logout of all others": _others_logged_out,
    "event of the Portal": _portal_event,
    "disable without an event": _disabled_without_an_event,
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_no_exchange_survives_what_ended_its_device(
    world: World,
    deps: IssueDeps,
    elsewhere: Elsewhere,
    pool: ThreadPoolExecutor,
    ending: Callable[[Person, Elsewhere], object],
) -> None:
    for _ in range(ROUNDS):
        someone = person(world)

        answer, _ = at_once(pool, [partial(exchanged, someone, deps), partial(ending, someone, elsewhere)])

        assert_over(someone, answer, deps)


def test_no_exchange_survives_a_thief_who_shows_an_older_token(
    world: World, deps: IssueDeps, elsewhere: Elsewhere, pool: ThreadPoolExecutor
) -> None:
    def replay(token: str) -> None:
        with pytest.raises(InvalidGrant):
            exchange(token, elsewhere.issuing)

    for _ in range(ROUNDS):
        someone = person(world)
        stolen = someone.device_token
        for _ in range(2):
            someone.device_token = exchange(someone.device_token, deps).device_token or ""

        answer, _ = at_once(pool, [partial(exchanged, someone, deps), partial(replay, stolen)])

        assert_over(someone, answer, deps)
        assert world.events(someone.name).count("token_reuse_detected") == 1


def assert_over(someone: Person, answer: TokenAnswer | None, deps: IssueDeps) -> None:
    """Neither token opens a session any more, and the session that the exchange opened does not live."""
    for token in {someone.device_token, answer.device_token or "" if answer else someone.device_token}:
        with pytest.raises(InvalidGrant):
            exchange(token, deps)
    if answer is not None:
        with pytest.raises(InvalidGrant):
            someone.world.refresh(answer.token)
        with pytest.raises(InvalidAccessToken):
            validate(
                Credential(Transport.BEARER, answer.access_token or ""), someone.world.sessions.validation
            )


# --- what the exchange comes before or after


def test_an_exchange_overtaken_by_an_end_of_sessions_alone_spends_nothing(
    world: World, deps: IssueDeps, elsewhere: Elsewhere, pool: ThreadPoolExecutor
) -> None:
    for _ in range(ROUNDS):
        someone = person(world)

        answer, _ = at_once(
            pool,
            [
                partial(exchanged, someone, deps),
                partial(_logged_out, someone, elsewhere, keep_devices=True),
            ],
        )

        current = answer.device_token or "" if answer else someone.device_token
        assert exchange(current, deps)
        assert live_on_device(someone) == 1


def _sign_in_elsewhere(someone: Person, elsewhere: Elsewhere) -> object:
    return by_password(someone, TokenKind.REFRESH, elsewhere.issuing)


def _sign_in_on_the_device(someone: Person, elsewhere: Elsewhere) -> object:
    return by_backend(someone, TokenKind.REFRESH, elsewhere.issuing, DeviceRequest(id=someone.device_id))


SIGN_INS = {"elsewhere": (_sign_in_elsewhere, 3), "on the device": (_sign_in_on_the_device, 2)}


@pytest.mark.parametrize(("sign_in", "left"), SIGN_INS.values(), ids=SIGN_INS)
def test_an_exchange_and_a_sign_in_come_one_after_the_other(
    world: World,
    deps: IssueDeps,
    elsewhere: Elsewhere,
    pool: ThreadPoolExecutor,
    sign_in: Callable[[Person, Elsewhere], object],
    left: int,
) -> None:
    for _ in range(ROUNDS):
        someone = person(world)

        answer, _ = at_once(pool, [partial(exchanged, someone, deps), partial(sign_in, someone, elsewhere)])

        assert answer is not None
        assert (someone.live(), live_on_device(someone)) == (left, 1)
        assert exchange(answer.device_token or "", deps)


def test_an_exchange_and_a_sign_in_that_remembers_the_device_anew_leave_one_token(
    world: World, deps: IssueDeps, elsewhere: Elsewhere, pool: ThreadPoolExecutor
) -> None:
    for _ in range(ROUNDS):
        someone = person(world)
        anew = DeviceRequest(id=someone.device_id, remember=True)

        answer, signed_in = at_once(
            pool,
            [
                partial(exchanged, someone, deps),
                partial(by_backend, someone, TokenKind.REFRESH, elsewhere.issuing, anew),
            ],
        )

        assert signed_in is not None
        assert live_on_device(someone) == 1
        opened = exchange(signed_in.device_token or "", deps)
        assert live_on_device(someone) == 1
        if answer is not None:  # the exchange came first, so its session and its token were replaced
            assert {answer.session_id, answer.device_token}.isdisjoint(
                {opened.session_id, opened.device_token}
            )
            with pytest.raises(InvalidGrant):
                world.refresh(answer.token)


def test_exchanging_beside_cleanup_and_key_rotation_loses_nobody(
    world: World, deps: IssueDeps, pool: ThreadPoolExecutor
) -> None:
    cleaning = wiring.cleaning(world.environment())
    rotating = wiring.rotating(world.environment())
    someone = person(world)
    for _ in range(ROUNDS):
        answer, _, _ = at_once(
            pool,
            [
                partial(exchanged, someone, deps),
                lambda: cleanup(lambda: 60_000, cleaning) and None,
                lambda: rotate_keys(rotating) and None,
            ],
        )

        assert answer is not None
        someone.device_token = answer.device_token or ""
        world.clock.now += 86_400 // 2


# --- one another


@pytest.fixture(scope="module")
def environments(world: World) -> list[IssueDeps]:
    return [environment(world) for _ in range(50)]


@pytest.mark.parametrize("key", [None, "one", "of its own"], ids=lambda key: f"key {key}")
@pytest.mark.parametrize(("count", "rounds"), [(2, ROUNDS), (20, 5), (50, 2)])
def test_parallel_exchanges_of_one_token_give_one_session_and_one_successor(
    world: World,
    environments: list[IssueDeps],
    pool: ThreadPoolExecutor,
    count: int,
    rounds: int,
    key: str | None,
) -> None:
    for _ in range(rounds):
        someone = person(world)
        rows, events = someone.rows(), world.events(someone.name)
        keys = [f"{number}" if key == "of its own" else key for number in range(count)]

        answers = at_once(
            pool,
            [
                partial(exchange, someone.device_token, deps, each)
                for deps, each in zip(environments, keys, strict=False)
            ],
        )

        [(session_id, token, device_token)] = {(a.session_id, a.token, a.device_token) for a in answers}
        assert someone.rows() == rows + 1
        assert sorted(world.events(someone.name)) == sorted([*events, "session_issued"])
        assert (someone.live(), live_on_device(someone)) == (2, 1)
        assert world.row(someone.device_id)["generation"] == 1
        assert world.refresh(token).session_id == session_id
        assert exchange(device_token or "", environments[0]).session_id != session_id
