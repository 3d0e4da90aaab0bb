"""What settings and preferences may say. Lifetimes in seconds."""

from enum import Enum

# An access token outlives its user's rights by its lifetime, and the revocation feed
# remembers a revocation for as long: an hour bounds both.
MAX_ACCESS_TTL_S = 3600
MIN_ACCESS_TTL_S = 30
MIN_TTL_S = 60
MAX_TTL_S = 400 * 86400
MAX_RETRY_WINDOW_S = 60
MAX_SESSIONS = 1000
MAX_DEVICES = 1000
# An ended row stays at least this long, revoked or not: until no access token of it can live any more (one that
# was issued before the user's idle time was shortened outlives the session), a revocation must find the row to
# mark, and the feed must find the mark. The minute is for clocks that differ and for commits that come late.
MIN_RETENTION_S = MAX_ACCESS_TTL_S + 60


class LimitAction(Enum):
    """What happens to a sign-in that would be one session too many; the value is that of setting and preference."""

    EVICT_LEAST_RECENTLY_USED = "evict_least_recently_used"
    EVICT_OLDEST = "evict_oldest"
    DENY = "deny"
