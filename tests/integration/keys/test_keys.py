"""Keys on the real database and KMS API: made once, unwrapped once an environment, walked by rotate_keys."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.key_steps import Step
from auth_tokens.domain.keys import Purpose
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.rotate_keys import RotateKeysDeps, rotate_keys, withdraw_signing_key
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.kms import watched
from tests.support.world import CALLER, PASSWORD, World, header_of, kid_of

DAY = 86_400


def test_environments_that_bootstrap_at_once_agree_on_the_keys_of_each_purpose(fresh_world: World) -> None:
    name = fresh_world.user()
    environments = [wiring.issuing(fresh_world.environment()) for _ in range(6)]
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
        ("metadata", 2),
        ("signing", 2),
        ("token-chain", 2),
    ]
    for token in tokens:
        assert fresh_world.refresh(token)


def test_kms_is_called_once_a_purpose_and_cold_start_and_never_a_token(fresh_world: World) -> None:
    name = fresh_world.user()
    fresh_world.login(name)
    environment = fresh_world.environment()
    kms = watched(environment)
    issuing = wiring.issuing(environment)

    for _ in range(5):
        answer = login(LoginRequest(name, PASSWORD), CALLER, issuing)
        for _ in range(5):
            answer = refresh(RefreshRequest(answer.token), CALLER, issuing)

    assert sorted(kms.calls) == ["decrypt metadata", "decrypt signing", "decrypt token-chain"]


def test_after_a_year_of_epochs_a_cold_start_still_takes_one_call_a_purpose(fresh_world: World) -> None:
    world = fresh_world
    name = world.user()
    world.login(name)
    for _ in range(366):
        rotate_keys(wiring.rotating(world.shared))
        world.clock.now += DAY
    environment = world.environment()
    kms = watched(environment)

    login(LoginRequest(name, PASSWORD), CALLER, wiring.issuing(environment))

    assert environment.keys.chain_epoch() >= 4
    assert sorted(kms.calls) == ["decrypt metadata", "decrypt signing", "decrypt token-chain"]


def test_validating_calls_kms_never_for_access_tokens_and_once_for_cookies(fresh_world: World) -> None:
    name = fresh_world.user()
    bearer = fresh_world.login(name).access_token or ""
    cookie = fresh_world.login(name, kind=TokenKind.SESSION).token
    environment = fresh_world.environment()
    kms = watched(environment)
    deps = wiring.authorizing(environment)

    for _ in range(5):
        assert validate(Credential(Transport.BEARER, bearer), deps)
    assert kms.calls == []
    for _ in range(5):
        assert validate(Credential(Transport.COOKIE, cookie), deps)

    assert kms.calls == ["decrypt token-chain"]


def test_nothing_plain_is_stored(fresh_world: World) -> None:
    fresh_world.login(fresh_world.user())
    environment = fresh_world.environment()
    chain = environment.keys.chain_keys(1)
    assert chain is not None

    dump = b"".join(row["wrapped_key"] for row in fresh_world.sql("SELECT wrapped_key FROM auth_token_keys"))

    assert chain.chain not in dump
    assert chain.store not in dump
    assert b"PRIVATE" not in dump


def test_a_token_made_at_any_moment_of_a_rotation_verifies_until_it_expires(fresh_world: World) -> None:
    world = fresh_world
    world.login(world.user(access_ttl_s=3600))
    deps = wiring.authorizing(world.environment())
    name = world.user(access_ttl_s=3600)
    kids = set()

    for _ in range(70):
        rotate_keys(wiring.rotating(world.shared))
        answer = world.login(name)
        kids.add(answer.access_token.split(".")[0] if answer.access_token else "")
        world.clock.now += 3599
        assert validate(Credential(Transport.BEARER, answer.access_token or ""), deps)
        world.clock.now += DAY - 3599

    assert len(kids) >= 3


def test_the_next_key_stands_by_from_the_first_sign_in_on(fresh_world: World) -> None:
    world = fresh_world

    world.login(world.user())

    assert _states(world) == {
        "metadata": ["active", "published"],
        "signing": ["signing", "published"],
        "token-chain": ["active", "published"],
    }
    assert len(world.environment().public_keys.jwks()) == 2


def test_the_first_run_of_all_makes_the_first_keys(fresh_world: World) -> None:
    rotate_keys(wiring.rotating(fresh_world.shared))

    assert _states(fresh_world) == {
        "metadata": ["active", "published"],
        "signing": ["signing", "published"],
        "token-chain": ["active", "published"],
    }
    assert fresh_world.login(fresh_world.user())


def test_a_second_run_at_the_same_time_finds_nothing_to_do(fresh_world: World) -> None:
    world = fresh_world
    world.login(world.user())
    world.clock.now += 30 * DAY

    first = rotate_keys(wiring.rotating(world.environment()))
    second = rotate_keys(wiring.rotating(world.environment()))

    assert (len(first), len(second)) == (3, 0)


def test_runs_at_once_take_each_step_once(fresh_world: World) -> None:
    world = fresh_world
    world.login(world.user())
    rotating = [wiring.rotating(world.environment()) for _ in range(4)]
    barrier = Barrier(len(rotating))

    def run(deps: RotateKeysDeps) -> list[Step]:
        barrier.wait()
        return rotate_keys(deps)

    with ThreadPoolExecutor(len(rotating)) as pool:
        for _ in range(8):
            world.clock.now += 30 * DAY
            taken = [step for steps in pool.map(run, rotating) for step in steps]
            assert len(taken) == len(set(taken))
            for states in _states(world).values():
                assert len([state for state in states if state in ("signing", "active")]) == 1
                assert states.count("published") <= 1


def test_a_month_without_a_run_loses_nothing(fresh_world: World) -> None:
    world = fresh_world
    name = world.user()
    world.login(name)
    world.clock.now += 90 * DAY
    rotate_keys(wiring.rotating(world.shared))

    answer = world.login(name)

    assert validate(Credential(Transport.BEARER, answer.access_token or ""), world.sessions.validation)


def test_a_refresh_of_an_old_session_signs_by_the_new_key_and_carries_the_new_epoch(
    fresh_world: World,
) -> None:
    """Regression of peers: the old `kid` in the header of a token signed by the new key."""
    world = fresh_world
    answer = world.login(world.user(refresh_idle_ttl_s=400 * DAY, refresh_absolute_ttl_s=400 * DAY))
    first_epoch = world.row(answer.session_id)["key_epoch"]
    for _ in range(92):
        rotate_keys(wiring.rotating(world.shared))
        world.clock.now += DAY

    refreshed = world.refresh(answer.token)

    claims = world.sessions.verifier.verify(refreshed.access_token or "", world.clock.now)
    assert claims.sid == answer.session_id
    assert kid_of(refreshed.access_token) != kid_of(answer.access_token)
    assert world.row(answer.session_id)["key_epoch"] == first_epoch + 1


def test_a_repeat_across_a_change_of_epoch_gets_the_same_successor(fresh_world: World) -> None:
    world = fresh_world
    answer = world.login(world.user(refresh_idle_ttl_s=400 * DAY, refresh_absolute_ttl_s=400 * DAY))
    rotate_keys(wiring.rotating(world.shared))
    world.clock.now += 89 * DAY
    successor = world.refresh(answer.token, retry_key="saved").token
    world.clock.now += 2 * DAY
    rotate_keys(wiring.rotating(world.shared))
    later = wiring.issuing(world.environment())
    assert later.keys.chain_epoch() == 2

    repeated = refresh(RefreshRequest(answer.token, retry_key="saved"), CALLER, later).token

    assert repeated == successor
    assert refresh(RefreshRequest(successor), CALLER, later)


def test_metadata_of_an_old_epoch_opens_and_is_encrypted_anew_by_the_next_write(fresh_world: World) -> None:
    world = fresh_world
    name = world.user(refresh_idle_ttl_s=400 * DAY, refresh_absolute_ttl_s=400 * DAY)
    answer = world.login(name)
    rotate_keys(wiring.rotating(world.shared))
    world.clock.now += 91 * DAY
    rotate_keys(wiring.rotating(world.shared))
    world.clock.now += DAY
    assert world.row(answer.session_id)["metadata"][1:3] == b"\0\1"

    [view] = list_sessions(world.user_id(name), 10, None, world.sessions).sessions
    world.refresh(answer.token)

    assert view.metadata.address == CALLER.address
    assert world.row(answer.session_id)["metadata"][1:3] == b"\0\2"
    assert "DecryptFailed" not in world.telemetry.counts


def test_pseudonyms_stay_comparable_across_epochs(fresh_world: World) -> None:
    world = fresh_world
    before = world.environment().keys.pseudonym("address", "192.0.2.7")
    for _ in range(200):
        rotate_keys(wiring.rotating(world.shared))
        world.clock.now += DAY
    after = world.environment()

    assert after.keys.chain_epoch() == 3
    assert after.keys.pseudonym("address", "192.0.2.7") == before
    assert after.keys.pseudonym("address", "192.0.2.8") != before


def test_an_environment_that_reads_an_epoch_before_it_is_used_never_meets_an_unknown_one(
    fresh_world: World,
) -> None:
    world = fresh_world
    world.login(world.user())
    slow = wiring.issuing(world.environment())
    slow.keys.chain_epoch()
    rotate_keys(wiring.rotating(world.shared))
    wait = wiring.rotating(world.shared).schedules[Purpose.TOKEN_CHAIN].publish_wait_s
    world.clock.now += 90 * DAY - wait
    slow.keys.chain_epoch()
    world.clock.now += wait
    rotate_keys(wiring.rotating(world.shared))
    fast = wiring.issuing(world.environment())
    token = login(LoginRequest(world.user(), PASSWORD), CALLER, fast).token

    assert fast.codec.parse(token, TokenKind.REFRESH).epoch == 2
    assert slow.codec.parse(token, TokenKind.REFRESH).epoch == 2


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256"])
def test_another_algorithm_comes_after_the_key_that_stands_by_and_both_verify_meanwhile(
    fresh_world: World, algorithm: str
) -> None:
    world = fresh_world
    name = world.user(access_ttl_s=3600)
    before = world.login(name).access_token
    rotate_keys(wiring.rotating(world.shared))
    world.settings = replace(world.settings, signing_algorithm=algorithm)
    [standby] = world.sql("SELECT kid FROM auth_token_keys WHERE purpose = 'signing' AND state = 'published'")
    verifier = wiring.authorizing(world.environment())

    withdraw_signing_key(standby["kid"], wiring.rotating(world.environment()))
    world.clock.now += 3599
    assert validate(Credential(Transport.BEARER, before or ""), verifier)
    world.clock.now += 30 * DAY
    rotate_keys(wiring.rotating(world.environment()))
    world.clock.now += 30
    after = world.login(name).access_token

    assert header_of(after)["alg"] == algorithm
    assert validate(Credential(Transport.BEARER, after or ""), verifier)
    assert validate(Credential(Transport.BEARER, after or ""), wiring.authorizing(world.environment()))


def _states(world: World) -> dict[str, list[str]]:
    rows = world.sql(
        "SELECT purpose, state FROM auth_token_keys WHERE state <> 'gone' ORDER BY purpose, epoch"
    )
    states: dict[str, list[str]] = {}
    for row in rows:
        states.setdefault(row["purpose"], []).append(row["state"])
    return states
