"""Ages by a clock that may be set back, as an execution environment's may be when it is thawed or corrected."""


def is_within(now: int, since: int | None, span: int) -> bool:
    """Did it happen less than `span` ago? False for None and for an instant in the future: a clock that was set back
    would otherwise keep old data valid for as long as it was set back."""
    return since is not None and 0 <= now - since < span
