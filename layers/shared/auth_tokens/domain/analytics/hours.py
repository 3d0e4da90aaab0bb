"""The hours that figures are kept by: each named by its first second, UTC."""

HOUR_S = 3600


def hour_of(instant: int) -> int:
    """The hour that an instant (epoch seconds) lies in."""
    return instant - instant % HOUR_S
