"""For refresh and revoke, while the Portal's own tokens are taken over."""

from auth_tokens.adapters.kms.legacy_digests import LegacyDigests
from auth_tokens.adapters.kms.unwrapped_keys import UnwrappedKeyCache
from auth_tokens.adapters.legacy_misses import LegacyMisses
from auth_tokens.adapters.mysql.legacy_table import LegacyTable
from auth_tokens.adapters.mysql.takeovers import MySqlTakeovers
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.events import event_writer
from auth_tokens.bootstrap.key_table import keys_version
from auth_tokens.bootstrap.keys import wrapper
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.portal import portal_tables
from auth_tokens.domain.legacy_tokens import LegacyTokens
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.usecases.takeover_deps import LegacyEndDeps, TakeoverDeps


def taking_over(shared: Container, issuing: IssueDeps) -> TakeoverDeps | None:
    """Dependencies of the take-over; None where the mapping has no tokens of the Portal."""
    legacy = portal_tables(shared).mapping.legacy_tokens
    if legacy is None:
        return None
    return TakeoverDeps(
        issuing=issuing,
        legacy=legacy,
        takeovers=_takeovers(shared, legacy),
        digests=_digests(shared, legacy),
        misses=LegacyMisses(memory_limiter(shared), shared.clock_ms),
    )


def ending_legacy(shared: Container, sessions: SessionDeps) -> LegacyEndDeps | None:
    """Dependencies of the end of the Portal's tokens; None where the mapping has none."""
    legacy = portal_tables(shared).mapping.legacy_tokens
    if legacy is None:
        return None
    return LegacyEndDeps(
        sessions=sessions,
        legacy=legacy,
        ends=_takeovers(shared, legacy),
        digests=_digests(shared, legacy),
        misses=LegacyMisses(memory_limiter(shared), shared.clock_ms),
        presentations=memory_limiter(shared),
    )


def _takeovers(shared: Container, legacy: LegacyTokens) -> MySqlTakeovers:
    table = LegacyTable(legacy, portal_tables(shared))
    return MySqlTakeovers(shared.database, event_writer(shared), keys_version(shared), table)


def _digests(shared: Container, legacy: LegacyTokens) -> LegacyDigests:
    held = UnwrappedKeyCache(
        wrapper(shared),
        shared.clock_of_caches,
        shared.telemetry,
        shared.settings.key_max_age_s,
        lambda _, material: material,
    )
    return LegacyDigests(legacy, held)
