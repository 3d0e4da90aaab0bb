"""Impossible travel: two places too far apart for the time between two uses of one session."""

from auth_tokens.domain.places import Place

# Mobile networks connect their users to the Internet in another city, so shorter distances say nothing.
MIN_DISTANCE_KM = 500
MAX_ELAPSED_S = 3600


def is_impossible_travel(before: Place, after: Place, elapsed_s: int) -> bool:
    """Are the places MIN_DISTANCE_KM apart within MAX_ELAPSED_S? Without coordinates: in two countries?"""
    if elapsed_s > MAX_ELAPSED_S:
        return False
    km = before.km_to(after)
    return before.country != after.country if km is None else km >= MIN_DISTANCE_KM
