"""Bounds of settings and preferences. Lifetimes in seconds."""

from enum import Enum

# An access token stays good for up to its lifetime after its user lost a right, and the revocation feed keeps a
# revocation for as long. An hour bounds both.
MAX_ACCESS_TTL_S = 3600
MIN_ACCESS_TTL_S = 30
MIN_TTL_S = 60
MAX_TTL_S = 400 * 86400
# Clocks of two machines are taken to differ by less than this.
CLOCKS_DIFFER_S = 60
# A browser session has no access token. An authorizer reads its row again after 30 s, and sees there that it has ended.
BROWSER_SESSION_RECORDED_S = 180
# A missing number of the revocation log is awaited until a later one was written this long ago: by then it was rolled
# back, or its transaction has been open for a minute. The rest is the time that a statement may wait before it gets its
# number.
SETTLED_AFTER_S = 70
MAX_RETRY_WINDOW_S = 60
MAX_SESSIONS = 1000
MAX_DEVICES = 1000
# An ended row stays at least this long, revoked or not. While an access token of it may be live (one issued before
# the user's idle timeout was shortened outlives the session), a revocation must find the row, and the feed must find
# the revocation. The minute is for clocks that differ and for late commits.
MIN_RETENTION_S = MAX_ACCESS_TTL_S + 60


class LimitAction(Enum):
    """What happens to a sign-in beyond the limit of sessions; the value is that of setting and preference."""

    EVICT_LEAST_RECENTLY_USED = "evict_least_recently_used"
    EVICT_OLDEST = "evict_oldest"
    DENY = "deny"
