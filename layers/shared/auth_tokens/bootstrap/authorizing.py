"""For the authorizer: the revocation feed instead of the database."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from auth_tokens.adapters.mysql.revocations import MySqlRevocationLog, MySqlRevocations
from auth_tokens.adapters.revocation_feed import PolledRevocationFeed, Revocations
from auth_tokens.adapters.revocation_log import RevocationLog
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.first_proof import FirstProof
from auth_tokens.bootstrap.public_keys import verifier
from auth_tokens.domain.credentials import Credential, Validated
from auth_tokens.domain.requirements import Requirements
from auth_tokens.usecases.by_feed import TokensByFeed
from auth_tokens.usecases.validate import ValidateDeps

if TYPE_CHECKING:  # what it names comes with the first cookie
    from auth_tokens.ports.validation import CookieSessions


def authorizing(shared: Container) -> ValidateDeps:
    """Dependencies for access tokens; those for cookies are loaded with the first cookie."""
    settings = shared.settings
    feed = PolledRevocationFeed(
        _revocations(shared),
        shared.clock,
        shared.telemetry,
        max_staleness_s=settings.revocation_max_staleness_s,
        fail_after_s=settings.revocation_fail_after_s,
    )
    return ValidateDeps(
        verifier=verifier(shared),
        tokens=TokensByFeed(feed),
        cookies=_FirstCookie(shared, feed),
        proofs=FirstProof(shared, is_own=False),
        clock=shared.clock,
        requirements=settings.requirements(),
    )


def _revocations(shared: Container) -> Revocations:
    log = RevocationLog(MySqlRevocationLog(shared.database))
    if shared.settings.revocation_feed == "log":
        return log
    from auth_tokens.adapters.revoked_rows import RevokedRows, RowsAndLog

    return RowsAndLog(RevokedRows(MySqlRevocations(shared.database)), log)


class _FirstCookie:
    """Port ports.validation.CookieSessions. Most authorizers never see a cookie."""

    def __init__(self, shared: Container, feed: PolledRevocationFeed) -> None:
        self._shared = shared
        self._feed = feed

    def validated(self, credential: Credential, requirements: Requirements, now: int) -> Validated:
        return self._sessions.validated(credential, requirements, now)

    @cached_property
    def _sessions(self) -> CookieSessions:
        # 39 modules, 40 ms of CPU time (measured): a start takes 95 without them.
        from auth_tokens.bootstrap.cookies import cached_sessions

        return cached_sessions(self._shared, self._feed)
