"""The composition root: one builder a function, called once at its cold start.

Nothing here talks to the network: connections and clients open at their first use, so that a
function starts while the database is away and says 503 rather than failing to start.
"""

from __future__ import annotations

import secrets
import time
from functools import cache, cached_property
from typing import TYPE_CHECKING

from auth_tokens.observability import Announcing, StandardTelemetry, Telemetry
from auth_tokens.settings import Settings, aws_credentials, load_settings, service_name

if TYPE_CHECKING:  # each is loaded where it is made: a cold start pays for what its function uses
    from collections.abc import Callable
    from pathlib import Path

    from auth_tokens.adapters.access_jwt.kms_keys import KmsSigningKeys
    from auth_tokens.adapters.access_jwt.signing_keys import SigningKeyMaker
    from auth_tokens.adapters.access_jwt.verifier import JwtVerifier, PublicKeys
    from auth_tokens.adapters.kms.cipher import RowCipher
    from auth_tokens.adapters.kms.client import KmsClient
    from auth_tokens.adapters.kms.keyring import KeyRing
    from auth_tokens.adapters.kms.wrapper import KmsKeyWrapper
    from auth_tokens.adapters.memory_limits import MemoryLimiter
    from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
    from auth_tokens.adapters.mysql.events import EventWriter, MySqlEventLog
    from auth_tokens.adapters.mysql.key_stamp import KeyStamp
    from auth_tokens.adapters.mysql.keys import KeyTable
    from auth_tokens.adapters.mysql.limits import MySqlLimiter
    from auth_tokens.adapters.mysql.tokens import MySqlTokenStore
    from auth_tokens.domain.credentials import Credential, Validated
    from auth_tokens.domain.requirements import Requirements
    from auth_tokens.domain.tokens import TokenCodec
    from auth_tokens.ports.clock import Clock
    from auth_tokens.ports.keys import Signer
    from auth_tokens.ports.tokens import RevocationFeed
    from auth_tokens.ports.validation import CookieSessions
    from auth_tokens.usecases.analyse import AnalyseDeps
    from auth_tokens.usecases.cleanup import CleanupDeps
    from auth_tokens.usecases.deps import IssueDeps, SessionDeps
    from auth_tokens.usecases.list_events import ListEventsDeps
    from auth_tokens.usecases.rotate_keys import RotateKeysDeps
    from auth_tokens.usecases.summarise import SummariseDeps
    from auth_tokens.usecases.validate import ValidateDeps

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


class Parts:
    """What the functions share. Each part is made, and what it needs is loaded, at its first use; nothing is
    connected before it has something to say.

    may_create_keys: for the functions that IAM lets wrap keys.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        settings: Settings | None = None,
        *,
        may_create_keys: bool = False,
        timeout_s: int = _REQUEST_TIMEOUT_S,
        clock: Clock = now_s,
        clock_ms: Clock = now_ms,
    ) -> None:
        self.settings = settings or load_settings()
        # Said with the first line: an import writes nothing.
        self.telemetry: Telemetry = (
            telemetry if settings else Announcing(telemetry, switched_off=self.settings.switched_off)
        )
        self.clock = clock
        self.clock_ms = clock_ms
        self._may_create_keys = may_create_keys
        self._timeout_s = timeout_s

    @cached_property
    def database(self) -> Database:
        from auth_tokens.adapters.mysql.connection import Database

        return Database(database_config(self.settings, self._timeout_s), self.telemetry)

    @cached_property
    def key_stamp(self) -> KeyStamp:
        from auth_tokens.adapters.mysql.key_stamp import KeyStamp

        return KeyStamp()

    @cached_property
    def table(self) -> KeyTable:
        from auth_tokens.adapters.mysql.keys import KeyTable

        return KeyTable(self.database, self.key_stamp)

    @cached_property
    def public_keys(self) -> PublicKeys:
        from auth_tokens.adapters.access_jwt.verifier import PublicKeys

        return PublicKeys(self.table, self.clock, self.settings.jwks_max_age_s, self.key_stamp)

    @cached_property
    def published_keys(self) -> PublicKeys:
        """For discovery: each request shows what is published now, so that a withdrawal waits for no cache of ours."""
        from auth_tokens.adapters.access_jwt.verifier import PublicKeys

        return PublicKeys(self.table, self.clock, max_age_s=0)

    @cached_property
    def verifier(self) -> JwtVerifier:
        from auth_tokens.adapters.access_jwt.verifier import JwtVerifier

        return JwtVerifier(self.public_keys, self.settings.issuer, self.settings.audience)

    @cached_property
    def kms(self) -> KmsClient:
        from auth_tokens.adapters.kms.client import KmsClient, kms_client

        return KmsClient(kms_client)

    @cached_property
    def wrapper(self) -> KmsKeyWrapper:
        from auth_tokens.adapters.kms.wrapper import KmsKeyWrapper

        return KmsKeyWrapper(self.settings.kms_key_id, self.kms)

    @cached_property
    def keys(self) -> KeyRing:
        from auth_tokens.adapters.kms.keyring import KeyRing

        return KeyRing(
            self.table,
            self.wrapper,
            self.clock,
            self.telemetry,
            max_age_s=self.settings.key_max_age_s,
            may_create=self._may_create_keys,
            stamp=self.key_stamp,
        )

    @cached_property
    def codec(self) -> TokenCodec:
        from auth_tokens.domain.tokens import TokenCodec

        return TokenCodec(self.keys.chain_keys)

    @cached_property
    def cipher(self) -> RowCipher:
        return self._cipher("auth_user_tokens.metadata")

    @cached_property
    def _event_cipher(self) -> RowCipher:
        return self._cipher("auth_token_events.detail")

    @cached_property
    def events(self) -> EventWriter:
        from auth_tokens.adapters.mysql.events import EventWriter

        return EventWriter(self.keys, self._event_cipher, self.clock_ms, self.telemetry)

    @cached_property
    def event_log(self) -> MySqlEventLog:
        from auth_tokens.adapters.mysql.events import MySqlEventLog

        return MySqlEventLog(self.database, self.events, self._event_cipher.open)

    @cached_property
    def limiter(self) -> MySqlLimiter:
        from auth_tokens.adapters.mysql.limits import MySqlLimiter

        return MySqlLimiter(self.database, self.keys, self.telemetry, self.clock_ms)

    @cached_property
    def memory_limiter(self) -> MemoryLimiter:
        from auth_tokens.adapters.memory_limits import MemoryLimiter

        return MemoryLimiter(self.clock_ms)

    @cached_property
    def store(self) -> MySqlTokenStore:
        from auth_tokens.adapters.mysql.tokens import MySqlTokenStore

        return MySqlTokenStore(self.database, self.events, self.key_stamp)

    def _cipher(self, column: str) -> RowCipher:
        from auth_tokens.adapters.kms.cipher import RowCipher

        return RowCipher(column, self.keys, self.telemetry)


def database_config(settings: Settings, timeout_s: int = _REQUEST_TIMEOUT_S) -> DatabaseConfig:
    """Where the settings say the database is."""
    from auth_tokens.adapters.mysql.connection import DatabaseConfig

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
    from auth_tokens.adapters.mysql.connection import pause
    from auth_tokens.adapters.mysql.portal import MySqlPortal
    from auth_tokens.adapters.passwords import PortalPasswords
    from auth_tokens.domain.ids import uuid7
    from auth_tokens.usecases.deps import IssueDeps

    settings = shared.settings
    portal = MySqlPortal(shared.database, shared.key_stamp)
    argon2 = (settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes)
    return IssueDeps(
        store=shared.store,
        portal=portal,
        keys=shared.keys,
        codec=shared.codec,
        cipher=shared.cipher,
        signer=_signer(shared),
        passwords=PortalPasswords(*argon2, portal.kinds_of_hashes, shared.telemetry),
        limiter=shared.limiter,
        presentations=shared.memory_limiter,
        events=shared.event_log,
        clock=shared.clock,
        # To the millisecond: of two sessions of one second, the order of ids tells the older.
        new_id=lambda: uuid7(shared.clock_ms(), secrets.token_bytes(10)),
        entropy=secrets.token_bytes,
        pause=pause,
        policy=settings.policy(),
        issuer=settings.issuer,
        audience=settings.audience,
        telemetry=shared.telemetry,
    )


def sessions(shared: Parts) -> SessionDeps:
    """For revoke, sessions and introspect: credentials are checked against the database itself."""
    from auth_tokens.usecases.deps import SessionDeps

    settings = shared.settings
    return SessionDeps(
        codec=shared.codec,
        store=shared.store,
        policy=settings.policy(),
        verifier=shared.verifier,
        clock=shared.clock,
        cipher=shared.cipher,
        issuer=settings.issuer,
        audience=settings.audience,
        keys=shared.keys,
    )


def authorizing(shared: Parts) -> ValidateDeps:
    """For the authorizer: the revocation feed instead of the database."""
    from auth_tokens.adapters.mysql.revocations import MySqlRevocations
    from auth_tokens.adapters.revocation_feed import PolledRevocationFeed
    from auth_tokens.usecases.by_feed import TokensByFeed
    from auth_tokens.usecases.validate import ValidateDeps

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
        tokens=TokensByFeed(feed),
        cookies=FirstCookie(cache(lambda: _remembered_sessions(shared, feed))),
        clock=shared.clock,
        requirements=settings.requirements(),
    )


class FirstCookie:
    """Port ports.validation.CookieSessions, loaded with the first cookie, as most authorizers never see one."""

    def __init__(self, sessions: Callable[[], CookieSessions]) -> None:
        self._sessions = sessions

    def validated(self, credential: Credential, requirements: Requirements, now: int) -> Validated:
        return self._sessions().validated(credential, requirements, now)


def _remembered_sessions(shared: Parts, feed: RevocationFeed) -> CookieSessions:
    from auth_tokens.adapters.remembered_sessions import RememberedSessions
    from auth_tokens.usecases.browser_session import BrowserSessions
    from auth_tokens.usecases.by_feed import NoAlarm, RowsBehindFeed

    settings = shared.settings
    remembered = RememberedSessions(shared.store, shared.clock, fail_after_s=settings.revocation_fail_after_s)
    rows = RowsBehindFeed(feed, remembered)
    return BrowserSessions(shared.codec, settings.policy(), rows, NoAlarm())


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
    from auth_tokens.domain.key_steps import schedules
    from auth_tokens.domain.keys import Purpose
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
    from auth_tokens.adapters.kms.held_keys import HeldKeys

    held = HeldKeys(
        shared.wrapper, shared.clock, shared.telemetry, shared.settings.key_max_age_s, private_key
    )
    kms = _kms_signing_keys(shared)
    return AccessTokenSigner(shared.table, held, kms, _maker(shared, kms), shared.clock, shared.key_stamp)


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
    from auth_tokens.adapters.mysql.connection import Database
    from auth_tokens.adapters.mysql.migrations import migrate, migrations_in

    config = database_config(load_settings(), _MIGRATION_TIMEOUT_S)
    lock, database = Database(config), Database(config)
    return lambda: migrate(migrations_in(folder), lock, database)


def checking_schema(folder: Path) -> Callable[[], dict[str, object]]:
    """For migrate, which changes nothing then: its own rights, the state of schema and keys, and the two clocks."""
    from dataclasses import asdict

    from auth_tokens.adapters.mysql import checks
    from auth_tokens.adapters.mysql.connection import Database
    from auth_tokens.adapters.mysql.migrations import migrations_in
    from auth_tokens.domain.key_steps import schedules

    settings = load_settings()
    database = Database(database_config(settings))
    turns = schedules(
        jwks_max_age_s=settings.jwks_max_age_s,
        cleanup_retention_s=settings.cleanup_retention_s,
        signs_by_kms=settings.signing_mode == "kms",
    )
    use_for_s = {purpose.value: schedule.use_for_s for purpose, schedule in turns.items()}

    def check() -> dict[str, object]:
        return {
            "grants": checks.own_grants(database),
            **asdict(checks.schema_state(migrations_in(folder), database)),
            "keys": checks.key_ages(database, use_for_s),
            "now_s": now_s(),
            "database_now_s": checks.database_clock(database),
        }

    return check


def checking_rights(shared: Parts) -> Callable[[], dict[str, object]]:
    """For one function of each class of database users: what its user may do."""

    def check() -> dict[str, object]:
        from auth_tokens.adapters.mysql.checks import own_grants

        return {"grants": own_grants(shared.database)}

    return check


def standard() -> Telemetry:
    """Telemetry for the authorizer, whose import budget has no room for Powertools."""
    return StandardTelemetry(service_name(SERVICE))


def powertools() -> Telemetry:
    """Telemetry for every function but the authorizer."""
    from auth_tokens.observability_powertools import PowertoolsTelemetry

    return PowertoolsTelemetry(service_name(SERVICE))
