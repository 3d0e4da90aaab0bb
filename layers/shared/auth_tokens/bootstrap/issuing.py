"""For issue and refresh."""

import secrets

from auth_tokens.adapters.mysql.connection import pause
from auth_tokens.adapters.mysql.portal import MySqlPortal
from auth_tokens.adapters.passwords import PortalPasswords
from auth_tokens.bootstrap.ciphers import metadata_cipher
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.events import event_log
from auth_tokens.bootstrap.key_table import keys_version
from auth_tokens.bootstrap.keys import codec, keys
from auth_tokens.bootstrap.limits import limiter
from auth_tokens.bootstrap.memory_limits import memory_limiter
from auth_tokens.bootstrap.portal import portal_tables
from auth_tokens.bootstrap.signing import signer
from auth_tokens.bootstrap.store import store
from auth_tokens.domain.ids import uuid7
from auth_tokens.usecases.issue_deps import IssueDeps


def issuing(shared: Container) -> IssueDeps:
    """Dependencies to start and refresh sessions."""
    settings = shared.settings
    portal = MySqlPortal(shared.database, keys_version(shared), portal_tables(shared))
    argon2 = (settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes)
    return IssueDeps(
        store=store(shared),
        portal=portal,
        keys=keys(shared),
        codec=codec(shared),
        cipher=metadata_cipher(shared),
        signer=signer(shared),
        passwords=PortalPasswords(*argon2, portal.kinds_of_hashes, shared.telemetry),
        limiter=limiter(shared),
        presentations=memory_limiter(shared),
        events=event_log(shared),
        clock=shared.clock,
        clock_ms=shared.clock_ms,
        # To the millisecond: of two sessions of one second, the order of ids shows the older.
        new_id=lambda: uuid7(shared.clock_ms(), secrets.token_bytes(10)),
        entropy=secrets.token_bytes,
        pause=pause,
        policy=settings.policy(),
        issuer=settings.issuer,
        audience=settings.audience,
        telemetry=shared.telemetry,
    )
