"""Whether somebody can have gone from one place to another in the time."""

from auth_tokens.domain.places import Place

# A session is at home within this distance: mobile networks let their users out in another city.
FAR_KM = 500
WITHIN_S = 3600


def is_too_far(before: Place, after: Place, elapsed_s: int) -> bool:
    """Far apart within the hour; by the country where one of the places has no coordinates."""
    if elapsed_s > WITHIN_S:
        return False
    km = before.km_to(after)
    return before.country != after.country if km is None else km >= FAR_KM
