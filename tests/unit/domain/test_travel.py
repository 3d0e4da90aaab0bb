"""What is too far for its time."""

import pytest

from auth_tokens.domain.places import Place
from auth_tokens.domain.travel import FAR_KM, WITHIN_S, is_too_far

DUBLIN, CORK = Place("IE", (53.3, -6.3)), Place("IE", (51.9, -8.5))
MADRID = Place("ES", (40.4, -3.7))


@pytest.mark.parametrize(("elapsed_s", "too_far"), [(0, True), (WITHIN_S, True), (WITHIN_S + 1, False)])
def test_another_country_s_capital_is_too_far_within_the_hour(elapsed_s: int, too_far: bool) -> None:
    assert is_too_far(DUBLIN, MADRID, elapsed_s) == too_far


def test_another_city_is_not() -> None:
    assert not is_too_far(DUBLIN, CORK, 1)


@pytest.mark.parametrize(("degrees", "too_far"), [(4.4, False), (4.5, True)])
def test_the_bound_is_a_distance(degrees: float, too_far: bool) -> None:
    there = Place("IE", (53.3 - degrees, -6.3))
    km = DUBLIN.km_to(there)

    assert km is not None and (km >= FAR_KM) == too_far
    assert is_too_far(DUBLIN, there, 1) == too_far


def test_without_coordinates_the_country_tells() -> None:
    assert is_too_far(DUBLIN, Place("ES"), 1)
    assert not is_too_far(Place("IE"), CORK, 1)
