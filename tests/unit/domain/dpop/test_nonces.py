import hashlib

import pytest

from auth_tokens.domain.dpop.nonces import STEP_S, Nonces
from tests.support.world import START

MADE_AT = START // STEP_S * STEP_S


def nonces(key: str = "k") -> Nonces:
    return Nonces(lambda text: hashlib.sha256((key + text).encode()).digest()[:16])


@pytest.mark.parametrize(
    ("after_s", "is_good"),
    [
        (-STEP_S - 1, False),
        (-STEP_S, True),
        (0, True),
        (3 * STEP_S - 1, True),
        (3 * STEP_S, False),
    ],
)
def test_a_nonce_is_good_in_its_step_two_after_it_and_one_before(after_s: int, is_good: bool) -> None:
    assert nonces().is_good(nonces().current(MADE_AT), MADE_AT + after_s) is is_good


def test_all_of_a_step_get_one_nonce() -> None:
    assert nonces().current(MADE_AT) == nonces().current(MADE_AT + STEP_S - 1)
    assert nonces().current(MADE_AT) != nonces().current(MADE_AT + STEP_S)


@pytest.mark.parametrize(
    "changed",
    [
        lambda nonce: "",
        lambda nonce: None,
        lambda nonce: 1,
        lambda nonce: [nonce],
        lambda nonce: nonce + "A",
        lambda nonce: nonce + "=",
        lambda nonce: nonce[:-1],
        lambda nonce: nonce.swapcase(),
        lambda nonce: nonce[:-1] + "ä",
        lambda nonce: nonce[:-2] + ("AA" if nonce[-2:] != "AA" else "BB"),
    ],
)
def test_another_spelling_or_another_thing_is_no_nonce(changed: object) -> None:
    assert callable(changed)

    assert not nonces().is_good(changed(nonces().current(START)), START)


def test_a_nonce_by_another_key_is_none() -> None:
    assert not nonces().is_good(nonces("other").current(START), START)
