"""For the authorizer's cookies: the session cache."""

from auth_tokens.adapters.session_cache import SessionCache
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.keys import codec
from auth_tokens.bootstrap.store import store
from auth_tokens.ports.tokens import RevocationFeed
from auth_tokens.usecases.browser_session import BrowserSessions
from auth_tokens.usecases.cookies_by_feed import RefuseOnReuse, RowsBehindFeed


def cached_sessions(shared: Container, feed: RevocationFeed) -> BrowserSessions:
    """Dependencies for cookies."""
    settings = shared.settings
    rows = SessionCache(store(shared), shared.clock, fail_after_s=settings.revocation_fail_after_s)
    return BrowserSessions(codec(shared), settings.policy(), RowsBehindFeed(feed, rows), RefuseOnReuse())
