"""The walk of the keys as tables: what is due, and both sides of every wait."""

import random
from dataclasses import replace

import pytest

from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S, MAX_TTL_S
from auth_tokens.domain.key_steps import (
    CLOCK_MARGIN_S,
    DAY_S,
    IN_USE,
    Add,
    Advance,
    KeySchedule,
    Step,
    first_steps,
    next_steps,
    schedules,
    withdrawal,
)
from auth_tokens.domain.keys import PENALTY_S, ROWS_MAX_AGE_S, SIGNER_MAX_AGE_S, KeyState, Purpose, StoredKey

NOW = 1_800_000_000
SCHEDULE = KeySchedule(use_for_s=1000, publish_wait_s=100, retire_wait_s=500)
PUBLISHED, SIGNING, RETIRED, GONE = (
    KeyState.PUBLISHED,
    KeyState.SIGNING,
    KeyState.RETIRED,
    KeyState.GONE,
)


def key(epoch: int, state: KeyState, since_s: int = 0) -> StoredKey:
    """A signing key in a state for so many seconds."""
    return StoredKey(f"k{epoch}", Purpose.SIGNING, epoch, state, "ES256", b"w", {}, NOW - since_s)


def due(*keys: StoredKey) -> list[Step]:
    return next_steps(Purpose.SIGNING, keys, NOW, SCHEDULE)


def add(epoch: int, state: KeyState = PUBLISHED) -> Add:
    return Add(Purpose.SIGNING, epoch, state)


def advance(epoch: int, before: KeyState, after: KeyState) -> Advance:
    return Advance(f"k{epoch}", before, after)


def promoted(epoch: int) -> Advance:
    return advance(epoch, PUBLISHED, SIGNING)


def retired(epoch: int) -> Advance:
    return advance(epoch, SIGNING, RETIRED)


def buried(epoch: int) -> Advance:
    return advance(epoch, RETIRED, GONE)


CASES: dict[str, tuple[list[StoredKey], list[Step]]] = {
    "nothing yet": ([], [add(1, SIGNING), add(2)]),
    "the first key": ([key(1, SIGNING)], [add(2)]),
    "nothing due": ([key(1, SIGNING, 999), key(2, PUBLISHED, 999)], []),
    "of age": (
        [key(1, SIGNING, 1000), key(2, PUBLISHED, 1000)],
        [promoted(2), retired(1), add(3)],
    ),
    "of age, successor one second short of its wait": ([key(1, SIGNING, 5000), key(2, PUBLISHED, 99)], []),
    "of age, successor has just waited": (
        [key(1, SIGNING, 5000), key(2, PUBLISHED, 100)],
        [promoted(2), retired(1), add(3)],
    ),
    "retired, one second short": (
        [key(1, RETIRED, 499), key(2, SIGNING, 499), key(3, PUBLISHED, 499)],
        [],
    ),
    "retired long enough": (
        [key(1, RETIRED, 500), key(2, SIGNING, 500), key(3, PUBLISHED, 500)],
        [buried(1)],
    ),
    "a run that died after promoting": (
        [key(1, SIGNING, 1000), key(2, SIGNING, 0)],
        [retired(1), add(3)],
    ),
    "none signs, one standby": ([key(1, GONE), key(2, PUBLISHED, 0)], [promoted(2), add(3)]),
    "all are gone: numbers go on": ([key(1, GONE), key(2, GONE)], [add(3, SIGNING), add(4)]),
    "the standby key is gone: numbers go on": ([key(1, SIGNING), key(2, GONE)], [add(3)]),
}


@pytest.mark.parametrize(("keys", "expected"), CASES.values(), ids=CASES)
def test_what_is_due(keys: list[StoredKey], expected: list[Step]) -> None:
    assert due(*keys) == expected


@pytest.mark.parametrize("purpose", list(Purpose))
def test_each_purpose_has_a_state_in_use_and_walks_alike(purpose: Purpose) -> None:
    first = [Add(purpose, 1, IN_USE[purpose]), Add(purpose, 2, PUBLISHED)]

    assert next_steps(purpose, [], NOW, SCHEDULE) == first == [*first_steps(purpose)]


WITHDRAWALS: dict[str, tuple[list[StoredKey], int, list[Step]]] = {
    "the one that signs, another is standby": (
        [key(1, SIGNING), key(2, PUBLISHED, 0)],
        1,
        [promoted(2), advance(1, SIGNING, GONE)],
    ),
    "the one that signs, and there is no other": (
        [key(1, SIGNING)],
        1,
        [add(2, SIGNING), advance(1, SIGNING, GONE)],
    ),
    "the standby key": ([key(1, SIGNING), key(2, PUBLISHED)], 2, [advance(2, PUBLISHED, GONE)]),
    "a retired one": ([key(1, RETIRED), key(2, SIGNING)], 1, [advance(1, RETIRED, GONE)]),
    "again, after a call that died between its steps": (
        [key(1, SIGNING), key(2, SIGNING)],
        1,
        [advance(1, SIGNING, GONE)],
    ),
}


@pytest.mark.parametrize(("keys", "epoch", "expected"), WITHDRAWALS.values(), ids=WITHDRAWALS)
def test_a_withdrawal(keys: list[StoredKey], epoch: int, expected: list[Step]) -> None:
    assert withdrawal(keys, keys[epoch - 1]) == expected


def settings(
    jwks_max_age_s: int = 300, cleanup_retention_s: int = 86_400, by_kms: bool = False
) -> dict[Purpose, KeySchedule]:
    return schedules(
        jwks_max_age_s=jwks_max_age_s, cleanup_retention_s=cleanup_retention_s, signs_by_kms=by_kms
    )


@pytest.mark.parametrize("jwks_max_age_s", [1, 300, 3600])
def test_a_signing_key_waits_for_every_cache_of_the_public_keys(jwks_max_age_s: int) -> None:
    # Read by discovery just before it is published, served until that read is too old, cached from then on.
    oldest_jwks_s = jwks_max_age_s + jwks_max_age_s

    assert settings(jwks_max_age_s)[Purpose.SIGNING].publish_wait_s == oldest_jwks_s + CLOCK_MARGIN_S


def test_a_retired_signing_key_outlives_the_last_token_of_the_last_signer_to_notice() -> None:
    last_exp_s = SIGNER_MAX_AGE_S + MAX_ACCESS_TTL_S

    assert settings()[Purpose.SIGNING].retire_wait_s == last_exp_s + CLOCK_MARGIN_S


@pytest.mark.parametrize("purpose", [Purpose.TOKEN_CHAIN, Purpose.METADATA])
def test_a_data_key_can_be_read_everywhere_before_it_is_used(purpose: Purpose) -> None:
    assert settings()[purpose].publish_wait_s >= ROWS_MAX_AGE_S + PENALTY_S


def test_a_retired_chain_key_outlives_the_longest_session() -> None:
    assert settings()[Purpose.TOKEN_CHAIN].retire_wait_s >= MAX_TTL_S + ROWS_MAX_AGE_S


@pytest.mark.parametrize("retention_s", [0, 86_400, MAX_TTL_S])
def test_a_retired_metadata_key_outlives_the_last_row_that_nobody_wrote_again(retention_s: int) -> None:
    assert (
        settings(cleanup_retention_s=retention_s)[Purpose.METADATA].retire_wait_s >= MAX_TTL_S + retention_s
    )


def test_a_kms_key_signs_as_soon_as_it_may_since_the_operator_has_named_it() -> None:
    assert settings(by_kms=True)[Purpose.SIGNING].use_for_s == 0
    assert settings(by_kms=True)[Purpose.SIGNING].publish_wait_s == settings()[Purpose.SIGNING].publish_wait_s


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_at_any_rhythm_of_runs_no_wait_is_skipped_and_one_key_is_in_use(purpose: Purpose, seed: int) -> None:
    chance = random.Random(seed)
    schedule = settings()[purpose]
    waits = {
        (PUBLISHED, IN_USE[purpose]): schedule.publish_wait_s,
        (IN_USE[purpose], RETIRED): schedule.use_for_s,
        (RETIRED, GONE): schedule.retire_wait_s,
    }
    keys: list[StoredKey] = []
    now = NOW
    for _ in range(300):
        now += chance.choice([0, 60, 3600, DAY_S, DAY_S, 40 * DAY_S])
        steps = next_steps(purpose, keys, now, schedule)
        for step in steps[: chance.randint(0, len(steps)) if chance.random() < 0.3 else None]:
            if isinstance(step, Add):
                keys.append(replace(key(step.epoch, step.state), purpose=purpose, changed_at=now))
                continue
            [index] = [i for i, k in enumerate(keys) if k.kid == step.kid]
            # A run that died between two steps left its predecessor in use longer, never shorter.
            assert now - keys[index].changed_at >= waits[step.before, step.after]
            keys[index] = replace(keys[index], state=step.after, changed_at=now)
        in_use = [k for k in keys if k.state is IN_USE[purpose]]
        assert len(in_use) in (1, 2) or not keys
        assert len({k.epoch for k in keys}) == len(keys)
    assert any(k.state is RETIRED or k.state is GONE for k in keys)
