"""The refresh rate of a session, as one number that its row keeps: GCRA, as in limits.py.

A client needs one refresh for each access token, so its usual rate is one in that token's lifetime.
"""

# Far above: this many times the usual rate, sustained for this many refreshes.
ALLOWED_RATE = 10
ALLOWED_BURST = 30


def count_refresh(due_at: int, now: int, usual_s: int) -> tuple[int, bool]:
    """(when the next refresh would be due at the allowed rate, whether this one is far above it).

    due_at: as the previous call returned it; usual_s: lifetime of an access token. The count starts again after a
    refresh far above the rate, so at least ALLOWED_BURST refreshes lie between two of them. Epoch seconds.
    """
    interval_s = max(1, usual_s // ALLOWED_RATE)
    due = max(due_at, now) + interval_s
    if due - now > ALLOWED_BURST * interval_s:
        return now, True
    return due, False
