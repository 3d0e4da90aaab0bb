"""For the authorizer's cookies: rows of browser sessions, remembered for some seconds."""

from auth_tokens.adapters.remembered_sessions import RememberedSessions
from auth_tokens.bootstrap.keys import codec
from auth_tokens.bootstrap.parts import Parts
from auth_tokens.bootstrap.store import store
from auth_tokens.ports.tokens import RevocationFeed
from auth_tokens.usecases.browser_session import BrowserSessions
from auth_tokens.usecases.cookies_by_feed import NoAlarm, RowsBehindFeed


def remembered_sessions(shared: Parts, feed: RevocationFeed) -> BrowserSessions:
    """All that a cookie needs."""
    settings = shared.settings
    rows = RememberedSessions(store(shared), shared.clock, fail_after_s=settings.revocation_fail_after_s)
    return BrowserSessions(codec(shared), settings.policy(), RowsBehindFeed(feed, rows), NoAlarm())
