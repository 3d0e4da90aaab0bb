"""Keys on the real database and KMS API: made once, unwrapped once an environment, walked by rotate_keys."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from auth_tokens import bootstrap
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.keys import KeySchedule
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.rotate_keys import RotateKeysDeps, rotate_keys
from auth_tokens.usecases.validate import Credential, Transport, validate
from tests.support.world import CALLER, PASSWORD, World

DAY = 86_400


def test_environments_that_bootstrap_at_once_agree_on_one_key_of_each_purpose(fresh_world: World) -> None:
    name = fresh_world.user()
    environments = [bootstrap.issuing(fresh_world.environment()) for _ in range(6)]
    barrier = Barrier(len(environments))

    def attempt(index: int) -> str:
        barrier.wait()
        return login(LoginRequest(name, PASSWORD), CALLER, environments[index]).token

    with ThreadPoolExecutor(len(environments)) as pool:
        tokens = list(pool.map(attempt, range(len(environments))))

    rows = fresh_world.sql(
        "SELECT purpose, COUNT(*) AS n FROM auth_token_keys GROUP BY purpose ORDER BY purpose"
    )
    assert [(row["purpose"], row["n"]) for row in rows] == [
        ("metadata", 1),
        ("signing", 1),
        ("token-chain", 1),
    ]
    for token in tokens:
        assert fresh_world.refresh(token)


def test_kms_is_called_once_a_purpose_and_cold_start_and_never_a_token(fresh_world: World) -> None:
    name = fresh_world.user()
    fresh_world.login(name)
    environment = fresh_world.environment()
    calls = _counted(environment)
    issuing = bootstrap.issuing(environment)

    for _ in range(5):
        login(LoginRequest(name, PASSWORD), CALLER, issuing)

    assert sorted(calls) == ["decrypt metadata", "decrypt signing", "decrypt token-chain"]


def test_nothing_plain_is_stored(fresh_world: World) -> None:
    fresh_world.login(fresh_world.user())
    environment = fresh_world.environment()
    chain = environment.keys.chain_keys(1)
    assert chain is not None

    dump = b"".join(row["wrapped_key"] for row in fresh_world.sql("SELECT wrapped_key FROM auth_token_keys"))

    assert chain.chain not in dump
    assert chain.store not in dump
    assert b"PRIVATE" not in dump


def test_without_kms_a_new_environment_answers_unavailable_and_recovers(
    fresh_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = fresh_world.user()
    fresh_world.login(name)
    issuing = bootstrap.issuing(fresh_world.environment())
    with monkeypatch.context() as outage:
        outage.setattr("auth_tokens.adapters.kms.wrapper.KmsKeyWrapper._call", _down)
        with pytest.raises(Unavailable):
            login(LoginRequest(name, PASSWORD), CALLER, issuing)

    assert login(LoginRequest(name, PASSWORD), CALLER, issuing)


def test_a_token_made_at_any_moment_of_a_rotation_verifies_until_it_expires(fresh_world: World) -> None:
    world = fresh_world
    world.login(world.user(access_ttl_s=3600))
    rotating = RotateKeysDeps(bootstrap.rotating(world.shared).keys, world.clock, KeySchedule())
    deps = bootstrap.authorizing(world.environment())
    name = world.user(access_ttl_s=3600)
    kids = set()

    for _ in range(70):
        steps = rotate_keys(rotating)
        answer = world.login(name)
        kids.add(answer.access_token.split(".")[0] if answer.access_token else "")
        world.clock.now += 3599
        assert validate(Credential(Transport.BEARER, answer.access_token or ""), deps)
        world.clock.now += DAY - 3599
        assert len(steps) <= 3

    assert len(kids) >= 3


def test_rotating_twice_at_once_does_the_steps_once(fresh_world: World) -> None:
    world = fresh_world
    world.login(world.user())
    world.clock.now += 30 * DAY

    first = rotate_keys(bootstrap.rotating(world.environment()))
    second = rotate_keys(bootstrap.rotating(world.environment()))

    assert (len(first), len(second)) == (1, 0)


def test_a_month_without_a_run_loses_nothing(fresh_world: World) -> None:
    world = fresh_world
    name = world.user()
    world.login(name)
    world.clock.now += 90 * DAY
    rotate_keys(bootstrap.rotating(world.shared))

    answer = world.login(name)

    assert validate(Credential(Transport.BEARER, answer.access_token or ""), world.sessions)


def _counted(environment: bootstrap.Parts) -> list[str]:
    calls: list[str] = []
    call = environment.wrapper._call

    def counted(operation: str, **parameters: Any) -> dict[str, Any]:
        calls.append(f"{operation} {parameters['EncryptionContext']['purpose']}")
        return call(operation, **parameters)

    environment.wrapper._call = counted  # type: ignore[method-assign]
    return calls


def _down(*_: object, **__: object) -> dict[str, Any]:
    raise Unavailable("kms")
