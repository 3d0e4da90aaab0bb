"""Ages by a clock that may be set back, as an execution environment's may be when it is thawed or corrected."""


def is_within(now: int, since: int | None, span: int) -> bool:
    """Did it happen less than `span` ago? Not if it never did, nor if the clock says that it is yet to come:
    else a clock that was set back would keep old knowledge for as long as it was set back."""
    return since is not None and 0 <= now - since < span
