"""Places: what is taken from headers, how it is kept, how far two are apart."""

import pytest

from auth_tokens.domain.places import Place, place_from_text, place_of

DUBLIN = Place("IE", (53.3, -6.3))
SYDNEY = Place("AU", (-33.9, 151.2))


@pytest.mark.parametrize(
    ("headers", "place"),
    [
        (("IE", "53.34980", "-6.26030"), DUBLIN),
        (("IE", "", ""), Place("IE")),
        (("IE", "53.3", ""), Place("IE")),
        (("A1", "0", "0"), Place("A1", (0.0, 0.0))),
        (("IE", "90", "-180"), Place("IE", (90.0, -180.0))),
        (("IE", "90.1", "0"), Place("IE")),
        (("IE", "0", "180.1"), Place("IE")),
        (("IE", "nan", "inf"), Place("IE")),
        (("IE", "south", "east"), Place("IE")),
        (("", "53.3", "-6.3"), None),
        (("ie", "53.3", "-6.3"), None),
        (("Ireland", "", ""), None),
        (("IE\n", "", ""), None),
    ],
)
def test_a_place_is_a_country_and_coarse_coordinates(headers: tuple[str, ...], place: Place | None) -> None:
    assert place_of(*headers) == place


@pytest.mark.parametrize("place", [DUBLIN, SYDNEY, Place("IE"), Place("US", (0.0, -0.1))])
def test_a_place_is_read_back_as_it_was_kept(place: Place) -> None:
    assert place_from_text(place.text) == place


@pytest.mark.parametrize("text", ["", "I", "IE 53.3", "IE 53.3 -6.3 1", "IE 99.9 1.0 ", "ie"])
def test_another_text_is_no_place(text: str) -> None:
    assert place_from_text(text) is None


def test_a_place_is_kept_to_a_tenth_of_a_degree() -> None:
    assert DUBLIN.text == "IE 53.3 -6.3"
    assert Place("IE").text == "IE"


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (DUBLIN, DUBLIN, 0),
        (DUBLIN, SYDNEY, 17_214),
        (Place("X1", (0.0, 179.9)), Place("X1", (0.0, -179.9)), 22),
        (Place("X1", (90.0, 0.0)), Place("X1", (-90.0, 0.0)), 20_015),
        (DUBLIN, Place("AU"), None),
    ],
    ids=["same", "half way round", "over the date line", "pole to pole", "unknown"],
)
def test_the_distance_is_that_along_the_surface(one: Place, other: Place, km: int | None) -> None:
    assert one.km_to(other) == other.km_to(one)
    assert one.km_to(other) == (km if km is None else pytest.approx(km, abs=30))
