"""The composition root: one builder a function, called once at its cold start.

Nothing here talks to the network: connections and clients open at their first use, so that a
function starts while the database is away and says 503 rather than failing to start.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auth_tokens.adapters.access_jwt.verifier import JwtVerifier, PublicKeys
from auth_tokens.adapters.kms.cipher import RowCipher
from auth_tokens.adapters.kms.client import KmsClient, kms_client
from auth_tokens.adapters.kms.held_keys import HeldKeys
from auth_tokens.adapters.kms.keyring import KeyRing
from auth_tokens.adapters.kms.wrapper import KmsKeyWrapper
from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig, backoff_s
from auth_tokens.adapters.mysql.events import EventWriter, MySqlEventLog
from auth_tokens.adapters.mysql.keys import KeyTable
from auth_tokens.adapters.mysql.limits import MySqlLimiter
from auth_tokens.adapters.mysql.tokens import MySqlTokenStore
from auth_tokens.domain.ids import uuid7
from auth_tokens.domain.keys import Purpose, schedules
from auth_tokens.domain.tokens import TokenCodec
from auth_tokens.observability import StandardTelemetry, Telemetry
from auth_tokens.settings import Settings, aws_credentials, load_settings, service_name
from auth_tokens.usecases.deps import IssueDeps, SessionDeps, ValidateDeps
from auth_tokens.usecases.ports import Clock, Signer

if TYPE_CHECKING:  # loaded only by the functions that use them: every start pays for what stands above
    from auth_tokens.adapters.access_jwt.kms_keys import KmsSigningKeys
    from auth_tokens.adapters.access_jwt.signing_keys import SigningKeyMaker
    from auth_tokens.usecases.analyse import AnalyseDeps
    from auth_tokens.usecases.cleanup import CleanupDeps
    from auth_tokens.usecases.list_events import ListEventsDeps
    from auth_tokens.usecases.rotate_keys import RotateKeysDeps
    from auth_tokens.usecases.summarise import SummariseDeps

SERVICE = "auth-tokens"
_REQUEST_TIMEOUT_S = 3
# A batch of deletions on a busy database may take its time: nobody waits for it.
BATCH_TIMEOUT_S = 20
# A migration may wait for another one, and DDL on a large table takes its time.
_MIGRATION_TIMEOUT_S = 60


def now_s() -> int:
    """The clock of all use cases: epoch seconds."""
    return int(time.time())


def now_ms() -> int:
    """The finer clock of what needs an order within a second: limits and event ids."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What the functions share; each uses the parts it needs, and only those do any work."""

    settings: Settings
    telemetry: Telemetry
    clock: Clock
    clock_ms: Clock
    database: Database
    table: KeyTable
    kms: KmsClient
    wrapper: KmsKeyWrapper
    keys: KeyRing
    codec: TokenCodec
    cipher: RowCipher
    events: EventWriter
    event_log: MySqlEventLog
    limiter: MySqlLimiter
    memory_limiter: MemoryLimiter
    store: MySqlTokenStore
    public_keys: PublicKeys
    verifier: JwtVerifier


def parts(
    telemetry: Telemetry,
    settings: Settings | None = None,
    *,
    may_create_keys: bool = False,
    timeout_s: int = _REQUEST_TIMEOUT_S,
    clock: Clock = now_s,
    clock_ms: Clock = now_ms,
) -> Parts:
    """Everything wired, nothing connected. may_create_keys: for the functions that IAM lets wrap keys."""
    settings = settings or load_settings()
    database = Database(database_config(settings, timeout_s), telemetry)
    table = KeyTable(database)
    kms = KmsClient(kms_client)
    wrapper = KmsKeyWrapper(settings.kms_key_id, kms)
    keys = KeyRing(
        table, wrapper, clock, telemetry, max_age_s=settings.key_max_age_s, may_create=may_create_keys
    )
    event_cipher = RowCipher("auth_token_events.detail", keys, telemetry)
    events = EventWriter(keys, event_cipher, clock_ms, telemetry)
    public_keys = PublicKeys(table, clock, settings.jwks_max_age_s)
    return Parts(
        settings=settings,
        telemetry=telemetry,
        clock=clock,
        clock_ms=clock_ms,
        database=database,
        table=table,
        kms=kms,
        wrapper=wrapper,
        keys=keys,
        codec=TokenCodec(keys.chain_keys),
        cipher=RowCipher("auth_user_tokens.metadata", keys, telemetry),
        events=events,
        event_log=MySqlEventLog(database, events, event_cipher.open),
        limiter=MySqlLimiter(database, keys, telemetry, clock_ms),
        memory_limiter=MemoryLimiter(clock_ms),
        store=MySqlTokenStore(database, events, telemetry),
        public_keys=public_keys,
        verifier=JwtVerifier(public_keys, settings.issuer, settings.audience),
    )


def database_config(settings: Settings, timeout_s: int = _REQUEST_TIMEOUT_S) -> DatabaseConfig:
    """Where the settings say the database is."""
    return DatabaseConfig(
        host=settings.db_host,
        port=settings.db_port,
        name=settings.db_name,
        user=settings.db_user,
        password=settings.db_password if settings.db_auth == "password" else None,
        region=settings.aws_region,
        credentials=aws_credentials() if settings.db_auth == "iam" else {},
        ca_file=settings.db_ca_file,
        verify_tls=settings.db_tls == "verify",
        timeout_s=timeout_s,
    )


def issuing(shared: Parts) -> IssueDeps:
    """For issue and refresh."""
    from auth_tokens.adapters.mysql.portal import MySqlPortal
    from auth_tokens.adapters.passwords import PortalPasswords

    settings = shared.settings
    return IssueDeps(
        store=shared.store,
        portal=MySqlPortal(shared.database),
        keys=shared.keys,
        codec=shared.codec,
        cipher=shared.cipher,
        signer=_signer(shared),
        passwords=PortalPasswords(settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes),
        limiter=shared.limiter,
        events=shared.event_log,
        clock=shared.clock,
        # To the millisecond: of two sessions of one second, the order of ids tells the older.
        new_id=lambda: uuid7(shared.clock_ms(), secrets.token_bytes(10)),
        entropy=secrets.token_bytes,
        pause=lambda attempt: time.sleep(backoff_s(attempt)),
        policy=settings.policy(),
        clients=settings.clients,
        issuer=settings.issuer,
        audience=settings.audience,
        telemetry=shared.telemetry,
    )


def sessions(shared: Parts) -> SessionDeps:
    """For revoke, sessions and introspect: credentials are checked against the database itself."""
    settings = shared.settings
    return SessionDeps(
        verifier=shared.verifier,
        codec=shared.codec,
        store=shared.store,
        feed=None,
        policy=settings.policy(),
        clock=shared.clock,
        cipher=shared.cipher,
        issuer=settings.issuer,
        audience=settings.audience,
    )


def authorizing(shared: Parts) -> ValidateDeps:
    """For the authorizer: the revocation feed instead of the database."""
    from auth_tokens.adapters.mysql.revocations import MySqlRevocations
    from auth_tokens.adapters.remembered_sessions import RememberedSessions
    from auth_tokens.adapters.revocation_feed import PolledRevocationFeed

    settings = shared.settings
    feed = PolledRevocationFeed(
        MySqlRevocations(shared.database),
        shared.clock,
        shared.telemetry,
        max_staleness_s=settings.revocation_max_staleness_s,
        fail_after_s=settings.revocation_fail_after_s,
    )
    return ValidateDeps(
        verifier=shared.verifier,
        codec=shared.codec,
        store=shared.store,
        feed=feed,
        policy=settings.policy(),
        clock=shared.clock,
        sessions=RememberedSessions(
            shared.store, shared.clock, fail_after_s=settings.revocation_fail_after_s
        ),
        requirements=settings.requirements(),
    )


def cleaning(shared: Parts) -> CleanupDeps:
    """For cleanup."""
    from auth_tokens.adapters.mysql.purges import created_tokens, purges
    from auth_tokens.usecases.cleanup import CleanupDeps

    settings, database = shared.settings, shared.database
    return CleanupDeps(
        purges=purges(database, settings.cleanup_retention_s, settings.event_retention_s),
        created_since=created_tokens(database),
        clock=shared.clock,
        sleep=time.sleep,
    )


def rotating(shared: Parts) -> RotateKeysDeps:
    """For rotate_keys."""
    from auth_tokens.adapters.key_register import StoredKeys
    from auth_tokens.usecases.rotate_keys import RotateKeysDeps

    settings = shared.settings
    makers = {
        Purpose.SIGNING: _maker(shared, _kms_signing_keys(shared)).candidates,
        Purpose.TOKEN_CHAIN: shared.keys.candidates,
        Purpose.METADATA: shared.keys.candidates,
    }
    return RotateKeysDeps(
        keys=StoredKeys(shared.table, makers),
        events=shared.event_log,
        clock=shared.clock,
        schedules=schedules(
            jwks_max_age_s=settings.jwks_max_age_s,
            cleanup_retention_s=settings.cleanup_retention_s,
            signs_by_kms=settings.signing_mode == "kms",
        ),
    )


def _signer(shared: Parts) -> Signer:
    from auth_tokens.adapters.access_jwt.signer import AccessTokenSigner, private_key

    held = HeldKeys(
        shared.wrapper, shared.clock, shared.telemetry, shared.settings.key_max_age_s, private_key
    )
    kms = _kms_signing_keys(shared)
    return AccessTokenSigner(shared.table, held, kms, _maker(shared, kms), shared.clock)


def _maker(shared: Parts, kms: KmsSigningKeys) -> SigningKeyMaker:
    from auth_tokens.adapters.access_jwt.signing_keys import SigningKeyMaker

    return SigningKeyMaker(shared.wrapper, kms, shared.settings.signing_algorithm)


def _kms_signing_keys(shared: Parts) -> KmsSigningKeys:
    from auth_tokens.adapters.access_jwt.kms_keys import KmsSigningKeys

    settings = shared.settings
    return KmsSigningKeys(shared.kms, settings.signing_kms_key_ids if settings.signing_mode == "kms" else ())


def analysing(shared: Parts) -> AnalyseDeps:
    """For the analytics schedule."""
    from auth_tokens.adapters.event_bus import EventBridgeBus, events_client
    from auth_tokens.adapters.mysql.census import MySqlCensus
    from auth_tokens.adapters.mysql.leases import MySqlLeases
    from auth_tokens.adapters.mysql.outbox import MySqlOutbox
    from auth_tokens.adapters.mysql.rollups import MySqlRollups
    from auth_tokens.usecases.analyse import AnalyseDeps
    from auth_tokens.usecases.detect import DetectDeps
    from auth_tokens.usecases.publish_events import PublishDeps
    from auth_tokens.usecases.roll_up import RollUpDeps
    from auth_tokens.usecases.take_census import CensusDeps

    bus = (
        EventBridgeBus(shared.settings.security_bus, events_client) if shared.settings.security_bus else None
    )
    rollups = MySqlRollups(shared.database)
    outbox = MySqlOutbox(shared.database, shared.event_log.open_detail)
    return AnalyseDeps(
        leases=MySqlLeases(shared.database),
        clock_ms=shared.clock_ms,
        rolling=RollUpDeps(rollups, shared.clock),
        counting=CensusDeps(MySqlCensus(shared.database), shared.clock),
        detecting=DetectDeps(shared.event_log, shared.event_log, rollups, shared.clock),
        publishing=PublishDeps(outbox, bus, shared.clock),
    )


def listing_events(shared: Parts) -> ListEventsDeps:
    """For the operators' list of events."""
    from auth_tokens.usecases.list_events import ListEventsDeps

    return ListEventsDeps(shared.event_log, shared.clock)


def summarising(shared: Parts) -> SummariseDeps:
    """For the operators' figures."""
    from auth_tokens.adapters.mysql.rollups import MySqlRollups
    from auth_tokens.usecases.summarise import SummariseDeps

    return SummariseDeps(MySqlRollups(shared.database), shared.clock, shared.settings.cleanup_retention_s)


def migrating(folder: Path) -> Callable[[], list[str]]:
    """For migrate: applies the folder's migrations that are not applied yet, and answers their names."""
    from auth_tokens.adapters.mysql.migrations import migrate, migrations_in

    config = database_config(load_settings(), _MIGRATION_TIMEOUT_S)
    lock, database = Database(config), Database(config)
    return lambda: migrate(migrations_in(folder), lock, database)


def standard() -> Telemetry:
    """Telemetry for the authorizer, whose import budget has no room for Powertools."""
    return StandardTelemetry(service_name(SERVICE))


def powertools() -> Telemetry:
    """Telemetry for every function but the authorizer."""
    from auth_tokens.observability_powertools import PowertoolsTelemetry

    return PowertoolsTelemetry(service_name(SERVICE))
