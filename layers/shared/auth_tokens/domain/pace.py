"""How fast a session refreshes, in one number that its row carries along: GCRA, as in limits.py.

A client needs a refresh for each access token: once in that token's lifetime is its usual rate.
"""

# Far above: this many times the usual rate, sustained for this many refreshes.
ALLOWED_RATE = 10
ALLOWED_BURST = 30


def paced(due_at: int, now: int, usual_s: int) -> tuple[int, bool]:
    """(when the next refresh would be due at the allowed rate, whether this one is far above it).

    due_at: of the refresh before; usual_s: lifetime of an access token. After a «far above» the count begins
    anew, so that ALLOWED_BURST refreshes or more lie between two of them. Epoch seconds.
    """
    interval_s = max(1, usual_s // ALLOWED_RATE)
    due = max(due_at, now) + interval_s
    if due - now > ALLOWED_BURST * interval_s:
        return now, True
    return due, False
