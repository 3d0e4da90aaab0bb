"""Where verification keys come from: the service's own table, looked at a bounded number of times."""

import secrets
from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.adapters.access_jwt.verifier import PENALTY_S
from auth_tokens.domain.errors import InvalidAccessToken, Unavailable
from auth_tokens.domain.keys import KeyState
from tests.security.kit import (
    Kit,
    assert_accepted,
    assert_refused,
    forged,
    good_claims,
    good_header,
    kid_of,
    stored_key,
)
from tests.support.world import START


def random_kid_token() -> str:
    return forged(good_header(kid=secrets.token_urlsafe(16)))


def test_a_thousand_random_kids_cost_one_look_at_the_table(kit: Kit) -> None:
    assert_accepted(kit, forged())
    before = kit.table.reads
    kit.clock.now += PENALTY_S

    for _ in range(1000):
        with pytest.raises(InvalidAccessToken):
            kit.verifier.verify(random_kid_token(), kit.clock.now)

    assert kit.table.reads - before == 1


def test_a_thousand_random_kids_at_a_cold_start_cost_one_look(kit: Kit) -> None:
    for _ in range(1000):
        with pytest.raises(InvalidAccessToken):
            kit.verifier.verify(random_kid_token(), kit.clock.now)

    assert kit.table.reads == 1


def test_random_kids_over_ten_minutes_cost_one_look_a_penalty(kit: Kit) -> None:
    for second in range(600):
        kit.clock.now = START + second
        with pytest.raises(InvalidAccessToken):
            kit.verifier.verify(random_kid_token(), kit.clock.now)

    assert kit.table.reads == 600 // PENALTY_S


def test_while_the_store_is_down_random_kids_cost_no_more(kit: Kit) -> None:
    assert_accepted(kit, forged())
    kit.table.is_down = True
    kit.clock.now += PENALTY_S
    before = kit.table.reads

    for _ in range(100):
        with pytest.raises(InvalidAccessToken):
            kit.verifier.verify(random_kid_token(), kit.clock.now)

    assert kit.table.reads - before == 1


@pytest.mark.parametrize(("seconds", "is_found"), [(PENALTY_S - 1, False), (PENALTY_S, True)])
def test_a_new_key_is_found_once_the_penalty_is_over(kit: Kit, seconds: int, is_found: bool) -> None:
    kit.table.rows = [stored_key("ES256", 1)]
    assert_accepted(kit, forged())
    kit.table.rows.append(stored_key("EdDSA", 2))
    kit.clock.now += seconds

    if is_found:
        assert_accepted(kit, forged(algorithm="EdDSA"))
    else:
        assert_refused(kit, forged(algorithm="EdDSA"))


def test_a_failed_look_keeps_the_last_good_set(kit: Kit) -> None:
    assert_accepted(kit, forged())
    kit.table.is_down = True

    for seconds in (299, 300, 599):
        kit.clock.now = START + seconds
        assert kit.verifier.verify(forged(), kit.clock.now)
    assert len(kit.public_keys.jwks()) == 3


def test_one_failed_look_logs_nobody_out_after_recovery_either(kit: Kit) -> None:
    assert_accepted(kit, forged())
    kit.table.is_down = True
    kit.clock.now += 300
    assert kit.verifier.verify(forged(), kit.clock.now)
    kit.table.is_down = False
    kit.clock.now += 299

    assert kit.verifier.verify(forged(), kit.clock.now)


BROKEN = {
    "no key at all": {"public_jwk": {"kty": "EC", "alg": "ES256", "x": "?"}},
    "without alg": {"public_jwk": {"kty": "EC"}},
    "an algorithm not on offer": {"public_jwk": {"kty": "EC", "alg": "HS256"}},
    "not on its curve": {
        "public_jwk": {"kty": "EC", "alg": "ES256", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    },
    "another algorithm than its row": {"algorithm": "RS256"},
}


@pytest.mark.parametrize("is_cold", [True, False], ids=["cold start", "warm"])
@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_a_row_that_cannot_be_read_takes_no_other_key_with_it(
    kit: Kit, fault: dict[str, Any], is_cold: bool
) -> None:
    if not is_cold:
        assert_accepted(kit, forged())
    kit.table.rows = [stored_key("EdDSA", 1), replace(stored_key("ES256", 9), **fault)]
    kit.clock.now += 300

    assert_accepted(kit, forged(algorithm="EdDSA"))
    assert_refused(kit, forged())
    assert [jwk["kid"] for jwk in kit.public_keys.jwks()] == [kid_of("EdDSA")]


def test_before_the_first_good_look_it_is_the_service_that_is_unavailable(kit: Kit) -> None:
    kit.table.is_down = True

    with pytest.raises(Unavailable):
        kit.verifier.verify(forged(), START)


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_withdrawn_key_verifies_nothing_once_the_keys_are_looked_at_again(
    kit: Kit, seen_before: bool
) -> None:
    token = forged(payload=good_claims(exp=START + 3600))
    kit.read_keys()
    if seen_before:
        assert_accepted(kit, token)
    kit.table.advance(kid_of("ES256"), KeyState.SIGNING, KeyState.GONE, START)

    kit.clock.now = START + 299
    assert_accepted(kit, token)
    kit.clock.now = START + 300
    assert_refused(kit, token)


@pytest.mark.parametrize("state", [KeyState.PUBLISHED, KeyState.SIGNING, KeyState.RETIRED])
def test_a_key_verifies_in_every_state_but_gone(kit: Kit, state: KeyState) -> None:
    kit.table.rows = [stored_key("ES256", 1, state)]

    assert_accepted(kit, forged())


def test_a_token_under_a_key_that_is_gone(kit: Kit) -> None:
    kit.table.rows = [stored_key("ES256", 1, KeyState.GONE), stored_key("EdDSA", 2)]

    assert_refused(kit, forged())


def test_the_keys_of_one_kid_are_never_tried_on_another(kit: Kit) -> None:
    assert_refused(kit, forged(good_header("ES256", kid=kid_of("EdDSA")), algorithm="EdDSA"))
    assert_refused(kit, forged(good_header("ES256", kid=kid_of("RS256"))))
