"""The coarse place of a caller: a country, and coordinates to a tenth of a degree (11 km)."""

import math
import re
from dataclasses import dataclass

_COUNTRY = re.compile(r"[A-Z][A-Z0-9]", re.ASCII)
# Plain decimals only: `float()` also accepts digits of other scripts, spaces around them, `nan` and exponents.
_DEGREES = re.compile(r"-?\d{1,3}(?:\.\d{1,10})?", re.ASCII)
_TEXT = re.compile(r"([A-Z][A-Z0-9])(?: (-?\d{1,2}\.\d) (-?\d{1,3}\.\d))?", re.ASCII)
_EARTH_RADIUS_KM = 6371


@dataclass(frozen=True, slots=True)
class Place:
    """country: two letters (ISO 3166-1), or a code of the provider's own; coordinates: degrees (latitude,
    longitude), None where unknown."""

    country: str
    coordinates: tuple[float, float] | None = None

    @property
    def text(self) -> str:
        """The form that is kept, such as `IE 53.3 -6.3` or `IE`; place_from_text reads it."""
        if self.coordinates is None:
            return self.country
        return f"{self.country} {self.coordinates[0]:.1f} {self.coordinates[1]:.1f}"

    def km_to(self, other: "Place") -> int | None:
        """Distance along the surface; None where one of them has no coordinates."""
        if self.coordinates is None or other.coordinates is None:
            return None
        here, there = (tuple(map(math.radians, place)) for place in (self.coordinates, other.coordinates))
        half_chord = math.sin((there[0] - here[0]) / 2) ** 2
        half_chord += math.cos(here[0]) * math.cos(there[0]) * math.sin((there[1] - here[1]) / 2) ** 2
        return round(2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half_chord))))


def place_from_text(text: str) -> Place | None:
    """The place of a kept text; None for any other text."""
    match = _TEXT.fullmatch(text)
    if not match:
        return None
    return place_of(match[1], match[2] or "", match[3] or "")


def place_of(country: str, latitude: str, longitude: str) -> Place | None:
    """The place of three header texts; None without a country. Coordinates that are none are left out."""
    if not _COUNTRY.fullmatch(country):
        return None
    if not _DEGREES.fullmatch(latitude) or not _DEGREES.fullmatch(longitude):
        return Place(country)
    coordinates = (round(float(latitude), 1), round(float(longitude), 1))
    is_on_earth = abs(coordinates[0]) <= 90 and abs(coordinates[1]) <= 180
    return Place(country, coordinates if is_on_earth else None)
