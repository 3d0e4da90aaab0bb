"""Which moves are impossible travel."""

import pytest

from auth_tokens.domain.impossible_travel import MAX_ELAPSED_S, MIN_DISTANCE_KM, is_impossible_travel
from auth_tokens.domain.places import Place

DUBLIN, CORK = Place("IE", (53.3, -6.3)), Place("IE", (51.9, -8.5))
MADRID = Place("ES", (40.4, -3.7))


@pytest.mark.parametrize(
    ("elapsed_s", "too_far"), [(0, True), (MAX_ELAPSED_S, True), (MAX_ELAPSED_S + 1, False)]
)
def test_another_country_s_capital_is_too_far_within_the_hour(elapsed_s: int, too_far: bool) -> None:
    assert is_impossible_travel(DUBLIN, MADRID, elapsed_s) == too_far


def test_another_city_is_not() -> None:
    assert not is_impossible_travel(DUBLIN, CORK, 1)


@pytest.mark.parametrize(("degrees", "too_far"), [(4.4, False), (4.5, True)])
def test_the_bound_is_a_distance(degrees: float, too_far: bool) -> None:
    there = Place("IE", (53.3 - degrees, -6.3))
    km = DUBLIN.km_to(there)

    assert km is not None and (km >= MIN_DISTANCE_KM) == too_far
    assert is_impossible_travel(DUBLIN, there, 1) == too_far


def test_without_coordinates_the_country_tells() -> None:
    assert is_impossible_travel(DUBLIN, Place("ES"), 1)
    assert not is_impossible_travel(Place("IE"), CORK, 1)
