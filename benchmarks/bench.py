"""What the benchmarks share: a durable database of their own (MariaDB, or what TOKENS_DB names), filled tables, tokens
for their rows, figures, tables."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast

import pymysql

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.migrations import migrate, migrations_in
from auth_tokens.domain.tokens import SECRET_BYTES, OpaqueToken, TokenKind
from auth_tokens.observability import NullTelemetry
from auth_tokens.settings import Settings
from local.servers.aws import LocalAws
from local.servers.database import address
from local.servers.database.address import DatabaseAddress
from local.servers.database.private import private_server
from local.servers.database.server import DatabaseServer
from tests.support import wiring

SQL = Path(__file__).parents[1] / "functions" / "migrate" / "sql"
CLIENT = "portal-web"
SCOPE = "portal:read portal:write"
USERS = 20_000
DAY_S = 86_400
_CHUNK = 50_000
# As RDS for MySQL 8.4 has it on two processors, but for its size: each commit is flushed, pages bypass the page
# cache, half a GB of redo log for each, and one thread that purges (up to 16 of them; MariaDB would have four).
_OPTIONS = (
    "--innodb-buffer-pool-size=4G",
    "--innodb-purge-threads=1",
    "--innodb-flush-method=O_DIRECT",
    "--skip-log-bin",
)
_LOG_SIZE = "1G"

# The numbers from {low} to {high}, as many as a chunk has at most. MariaDB alone has sequences for that.
_DIGITS = "(SELECT 0 AS d UNION ALL " + " UNION ALL ".join(f"SELECT {digit}" for digit in range(1, 10)) + ")"
NUMBERS = f"""(
  SELECT {{low}} + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS seq
  FROM {_DIGITS} AS a, {_DIGITS} AS b, {_DIGITS} AS c, {_DIGITS} AS e, {_DIGITS} AS f
) AS numbers
WHERE seq <= {{high}}"""

INSERT_USERS = f"""
INSERT INTO auth_users (id, username, password_hash, status, created_at)
SELECT CONCAT('user-', seq), CONCAT('user-', seq, '@example.com'), NULL, 'active', UTC_TIMESTAMP(6)
FROM {NUMBERS}
"""

# They have signed in before.
INSERT_USER_ROWS = """
INSERT INTO auth_token_users (user_id, changed_at) SELECT id, created_at FROM auth_users
"""

# Rows as the service leaves them: ids in the order of creation, everything random where it is a hash, three
# in ten revoked. {end}: the idle end, in epoch seconds, of row number `seq`.
INSERT_TOKENS = """
INSERT INTO auth_user_tokens
  (id, type, user_id, device_id, client_id, scope, generation, token_hash, key_epoch, rotated_at, created_at,
   last_used_at, auth_time, acr, amr, expires_at, absolute_expires_at, revoked_at, revoke_reason, metadata)
SELECT
  UNHEX(CONCAT(LPAD(HEX(created * 1000 + seq MOD 1000), 12, '0'), '7', SUBSTR(SHA2(RAND(), 256), 1, 3),
               '8', SUBSTR(SHA2(RAND(), 256), 1, 3), SUBSTR(SHA2(RAND(), 256), 1, 12))),
  'refresh', CONCAT('user-', 1 + seq * 7919 MOD {users}), UNHEX(LEFT(SHA2(RAND(), 256), 32)), '{client}', '{scope}', 3,
  UNHEX(SHA2(RAND(), 256)), 1, FROM_UNIXTIME(created), FROM_UNIXTIME(created), FROM_UNIXTIME(created),
  FROM_UNIXTIME(created), '', 'pwd', FROM_UNIXTIME(ends), FROM_UNIXTIME(ends + 86400),
  IF(seq MOD 10 < {revoked}, FROM_UNIXTIME(created + 60), NULL), IF(seq MOD 10 < {revoked}, 'logout', NULL),
  UNHEX(CONCAT(SHA2(RAND(), 512), SHA2(RAND(), 512)))
FROM (
  SELECT seq, {first} + FLOOR(seq * {span} / {rows}) AS created,
         {first} + FLOOR(seq * {span} / {rows}) + {lifetime} + FLOOR(RAND() * 3600) AS ends
  FROM {numbers}
) AS made
ORDER BY seq
"""

ESTIMATE_ENDED = """
EXPLAIN FORMAT=TRADITIONAL SELECT expires_at
FROM auth_user_tokens FORCE INDEX (ix_expires_at)
WHERE expires_at < UTC_TIMESTAMP() - INTERVAL 1 DAY
"""


@dataclass(frozen=True)
class Server:
    """A running database and KMS."""

    database: DatabaseServer
    aws: LocalAws

    def settings(self, schema: str) -> Settings:
        """The service's, on one schema."""
        at: DatabaseAddress = self.database.address
        return Settings(
            issuer="https://tokens.example.com",
            audience="portal",
            clients={CLIENT: SCOPE},
            db_host=at.host,
            db_port=at.port,
            db_name=schema,
            db_user=at.user,
            db_password=at.password,
            db_auth="password",
            db_tls="off",
            kms_key_id=self.aws.key_id,
        )

    def schema(self, name: str) -> Settings:
        """A new schema with the service's tables, and users in it."""
        settings = self.settings(f"portal_{name}")
        with contextlib.closing(self.database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {settings.db_name} CHARACTER SET utf8mb4")
        config = wiring.database_config(settings, timeout_s=60)
        migrate(migrations_in(SQL), Database(config), Database(config))
        run(settings, INSERT_USERS.format(low=1, high=USERS))
        run(settings, INSERT_USER_ROWS)
        return settings


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Private, durable, gone at the end with its data."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        database = private_server(Path(folder) / "db", options=_OPTIONS, log_size=_LOG_SIZE)
        aws = LocalAws(Path(folder))
        try:
            database.start()
            aws.start()
            os.environ.update(aws.environment)
            database.wait()
            yield Server(database, aws)
        finally:
            aws.stop()
            database.stop()


@contextlib.contextmanager
def as_client(*, apart: bool) -> Iterator[None]:
    """apart: as if on a machine of its own, as Lambda functions are: the calling thread never waits for a processor
    behind the server's threads, which wait for each other as before. Else it shares the processors with them.

    Real-time priority does it (sched(7)), which a client that mostly waits for answers can have without harm.
    Raises PermissionError without the right to it (root, CAP_SYS_NICE), AttributeError where Python has none (macOS).
    """
    if not apart:
        yield
        return
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def connect(settings: Settings) -> pymysql.Connection[pymysql.cursors.DictCursor]:
    """A plain connection, that waits for as long as a statement takes."""
    at = DatabaseAddress(
        settings.db_host, settings.db_port, settings.db_name, settings.db_user, settings.db_password
    )
    opened = address.connect(at, cursorclass=pymysql.cursors.DictCursor)
    return cast("pymysql.Connection[pymysql.cursors.DictCursor]", opened)


def run(settings: Settings, statement: str) -> int:
    """One statement; how many rows it changed."""
    with contextlib.closing(connect(settings)) as connection, connection.cursor() as cursor:
        return cursor.execute(statement)


def fill(settings: Settings, rows: int, *, ended: bool) -> None:
    """Sessions of two weeks: ended ones that began 60 to 40 days ago, or live ones of the last ten days."""
    now = int(time.time())
    first, span = (now - 60 * DAY_S, 20 * DAY_S) if ended else (now - 11 * DAY_S, 10 * DAY_S)
    with contextlib.closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        for low in range(1, rows + 1, _CHUNK):
            cursor.execute(
                INSERT_TOKENS.format(
                    users=USERS,
                    client=CLIENT,
                    scope=SCOPE,
                    revoked=3 if ended else 0,
                    first=first,
                    span=span,
                    rows=rows,
                    lifetime=14 * DAY_S,
                    numbers=NUMBERS.format(low=low, high=min(low + _CHUNK - 1, rows)),
                )
            )


def settle(settings: Settings, seconds: float = 120) -> None:
    """Waits until the server has taken the deleted rows out of the index of ends (purge): its estimate of them
    counts those that are only marked."""
    deadline = time.monotonic() + seconds
    with contextlib.closing(connect(settings)) as connection, connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(ESTIMATE_ENDED)
            if int(cursor.fetchall()[0]["rows"]) < 100:
                return
            time.sleep(0.1)


def parts(settings: Settings, timeout_s: int = 20) -> wiring.Container:
    """The service's own parts."""
    return wiring.Container(NullTelemetry(), settings, may_create_keys=True, timeout_s=timeout_s)


def tokens_of_live_rows(shared: wiring.Container, count: int) -> list[str]:
    """Refresh tokens that rotate rows at random places of the table."""
    database, codec = shared.database, shared.codec
    epoch = shared.keys.chain_epoch()
    database.query("SELECT 1")
    rows = database.query(
        "SELECT id FROM auth_user_tokens WHERE expires_at > UTC_TIMESTAMP() ORDER BY token_hash LIMIT %s",
        (count,),
    )
    tokens = [OpaqueToken(TokenKind.REFRESH, epoch, row["id"], 0, os.urandom(SECRET_BYTES)) for row in rows]
    for token in tokens:
        database.execute(
            "UPDATE auth_user_tokens SET generation = 0, token_hash = %s, key_epoch = %s, metadata = NULL"
            " WHERE id = %s",
            (codec.store_hash(token), epoch, token.id),
        )
    return [codec.encode(token) for token in tokens]


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def circumstances(settings: Settings) -> str:
    """Machine, versions and load, for beside the figures."""
    [row] = _query(settings, "SELECT VERSION() AS v")
    name = "" if "MariaDB" in str(row["v"]) else "MySQL "
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = " / ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, {memory_gib:.0f} GiB; Python {platform.python_version()},"
        f" {name}{row['v']}, PyMySQL {version('PyMySQL')}; buffer pool 4 GiB, each commit flushed;"
        f" load average at the end (1 / 5 / 15 min) {load}"
    )


def _query(settings: Settings, statement: str) -> list[dict[str, object]]:
    with contextlib.closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
