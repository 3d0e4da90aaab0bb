"""The list of small-order points is derived here anew, from the curve (RFC 8032 §5.1)."""

import pytest

from auth_tokens.domain.dpop.public_keys import ALGORITHMS, key_in
from auth_tokens.domain.errors import InvalidProof
from auth_tokens.web.responses import PROOF_ALGORITHMS
from tests.support.proofs import prover, segment

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)  # noqa: E741 - the root of -1


def x_of(y: int) -> int | None:
    """A root of (y² - 1) / (d y² + 1), where there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    root = pow(square, (P + 3) // 8, P)
    for x in (root, root * I % P):
        if x * x % P == square:
            return x
    return None


def doubled(point: tuple[int, int]) -> tuple[int, int]:
    (x, y), product = point, D * point[0] ** 2 * point[1] ** 2
    return (
        2 * x * y * pow(1 + product, P - 2, P) % P,
        (y * y + x * x) * pow(1 - product, P - 2, P) % P,
    )


def has_small_order(y: int) -> bool:
    x = x_of(y)
    if x is None:
        return False
    point = (x, y)
    for _ in range(3):
        point = doubled(point)
    return point == (0, 1)


def of_order_8() -> list[int]:
    """Twice such a point has y = 0, so x² = -y², and on the curve d y⁴ + 2 y² - 1 = 0."""
    root = next(
        r for r in (pow(1 + D, (P + 3) // 8, P), pow(1 + D, (P + 3) // 8, P) * I % P) if r * r % P == 1 + D
    )
    found = []
    for sign in (1, -1):
        square = (-1 + sign * root) * pow(D, P - 2, P) % P
        y = pow(square, (P + 3) // 8, P)
        found += [each for r in (y, y * I % P) if r * r % P == square for each in (r, P - r)]
    return [y for y in found if has_small_order(y)]


CANONICAL = sorted({0, 1, P - 1, *of_order_8()})


def test_there_are_five_such_y() -> None:
    assert len(CANONICAL) == 5
    assert all(has_small_order(y) for y in CANONICAL)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [*CANONICAL, P, P + 1], ids=lambda y: f"{y:x}"[:8])
def test_an_ed25519_point_of_small_order_is_refused_in_every_spelling(y: int, sign: int) -> None:
    raw = (y | sign << 255).to_bytes(32, "little")
    header = prover("EdDSA").header(jwk={"kty": "OKP", "crv": "Ed25519", "x": segment(raw)})

    with pytest.raises(InvalidProof, match="small order"):
        key_in(header)


@pytest.mark.parametrize("y", [2, 3, 4, P - 2])
def test_other_points_are_left_to_the_library(y: int) -> None:
    header = prover("EdDSA").header(
        jwk={"kty": "OKP", "crv": "Ed25519", "x": segment(y.to_bytes(32, "little"))}
    )

    assert key_in(header).coordinates == (y.to_bytes(32, "little"),)


def test_the_thumbprint_is_that_of_rfc_7638_section_3() -> None:
    """RFC 8037 appendix A.3 has the thumbprint of this key."""
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

    key = key_in({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}})

    assert key.jkt == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_challenges_name_the_algorithms_that_are_taken() -> None:
    assert PROOF_ALGORITHMS.split() == list(ALGORITHMS)
