"""auth_token_rollups: figures of an hour, kept by the analytics schedule so that no query counts events twice."""

from collections.abc import Mapping, Sequence

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database, Transaction
from auth_tokens.adapters.mysql.times import from_sql, to_sql
from auth_tokens.domain.analytics.figures import COUNTED, CleanupDebt, SourceFigure, StepFigure
from auth_tokens.domain.analytics.hours import HOUR_S
from auth_tokens.domain.ids import first_uuid_at

NO_SUBJECT = bytes(16)
ROLLED_UP = "rolled_up"
FAILURES_OF_SOURCE = "failures_of_source"
# Sources kept of an hour, and rows counted as cleanup debt, at most.
TOP_SOURCES = 20
MAX_DUE = 10_000

# Index: primary key range: the events of an hour.
COUNT_EVENTS = f"""
SELECT type, COUNT(*) AS events
FROM auth_token_events
WHERE id >= %s AND id < %s
GROUP BY type
ORDER BY type
{EVERY_ROW}
"""

# Index: ix_type range (the failed logins of an hour), or the primary key's where most events are such.
COUNT_FAILURES_OF_SOURCES = """
SELECT source_hash, COUNT(*) AS failures
FROM auth_token_events
WHERE type = 'login_failed' AND id >= %s AND id < %s AND source_hash IS NOT NULL
GROUP BY source_hash
ORDER BY failures DESC, source_hash
LIMIT %s
"""

# Index: primary key. Absolute figures: the same hour counted again is put right, not added.
UPSERT_ROLLUP = """
INSERT INTO auth_token_rollups (hour_at, name, subject, amount)
VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE amount = VALUES(amount)
"""

# Index: primary key. Who is no more among the top sources of the hour.
DELETE_SOURCES_OF_HOUR = """
DELETE FROM auth_token_rollups
WHERE hour_at = %s AND name = %s
"""

# Index: primary key, its last entry or few.
SELECT_LAST_HOUR = """
SELECT hour_at, amount
FROM auth_token_rollups
WHERE hour_at <= %s AND name = %s
ORDER BY hour_at DESC
LIMIT 1
"""

# Index: primary key, its first entry.
SELECT_FIRST_EVENT = "SELECT created_at FROM auth_token_events ORDER BY id LIMIT 1"

# Index: primary key range. A step is a whole number of hours.
SELECT_FIGURES = f"""
SELECT hour_at - hour_at MOD %s AS step_at, name, SUM(amount) AS total, MAX(amount) AS most
FROM auth_token_rollups
WHERE hour_at >= %s AND hour_at < %s AND subject = %s
GROUP BY step_at, name
ORDER BY step_at, name
{EVERY_ROW}
"""

# Index: primary key range: the events of some hours. The first 48 bits of an id are its milliseconds.
COUNT_STEPS = f"""
SELECT CONV(HEX(SUBSTR(id, 1, 6)), 16, 10) DIV 1000 DIV %s * %s AS step_at, type, COUNT(*) AS events
FROM auth_token_events
WHERE id >= %s AND id < %s
GROUP BY step_at, type
ORDER BY step_at, type
{EVERY_ROW}
"""


def select_figures_of_steps(count: int) -> str:
    """Index: primary key range. The number of each hour's step, from 1."""
    return f"""
SELECT INTERVAL(hour_at, {", ".join(["%s"] * count)}) AS step, name, SUM(amount) AS total, MAX(amount) AS most
FROM auth_token_rollups
WHERE hour_at >= %s AND hour_at < %s AND subject = %s
GROUP BY step, name
ORDER BY step, name
{EVERY_ROW}
"""


# Index: primary key range.
SELECT_TOP_SOURCES = """
SELECT subject, SUM(amount) AS failures
FROM auth_token_rollups
WHERE hour_at >= %s AND hour_at < %s AND name = %s
GROUP BY subject
ORDER BY failures DESC, subject
LIMIT %s
"""

# Index: ix_expires_at, its first entry.
SELECT_OLDEST_DUE = """
SELECT expires_at
FROM auth_user_tokens
WHERE expires_at < %s
ORDER BY expires_at
LIMIT 1
"""

# Index: ix_expires_at, from its low end, at most MAX_DUE entries.
COUNT_DUE = """
SELECT COUNT(*) AS due
FROM (SELECT 1 FROM auth_user_tokens WHERE expires_at < %s ORDER BY expires_at LIMIT %s) AS d
"""


# Index: primary key range. What the census counted cannot be counted again, and stays.
FORGET_HOURS = f"""
DELETE FROM auth_token_rollups
WHERE hour_at >= %s
  AND name NOT IN ({", ".join(f"'{name}'" for name in COUNTED)})
ORDER BY hour_at, name, subject
LIMIT %s
"""
FORGOTTEN_AT_ONCE = 5000


class MySqlRollups:
    """Port ports.figures.Rollups."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last_hour(self, now: int) -> int | None:
        rows = self._database.query(SELECT_LAST_HOUR, (now, ROLLED_UP))
        return int(rows[0]["hour_at"]) if rows else None

    def rolled_up_at(self, now: int) -> int | None:
        rows = self._database.query(SELECT_LAST_HOUR, (now, ROLLED_UP))
        return int(rows[0]["amount"]) if rows else None

    def first_event_at(self) -> int | None:
        rows = self._database.query(SELECT_FIRST_EVENT)
        return from_sql(rows[0]["created_at"]) if rows else None

    def count_hour(self, hour: int) -> dict[str, int]:
        return self.count_between(hour, hour + HOUR_S)

    def count_between(self, since: int, before: int) -> dict[str, int]:
        rows = self._database.query(COUNT_EVENTS, (first_uuid_at(since), first_uuid_at(before)))
        return {row["type"]: row["events"] for row in rows}

    def count_steps(self, since: int, before: int, step_s: int) -> list[StepFigure]:
        parameters = (step_s, step_s, first_uuid_at(since), first_uuid_at(before))
        rows = self._database.query(COUNT_STEPS, parameters)
        return [StepFigure(int(r["step_at"]), r["type"], r["events"], r["events"]) for r in rows]

    def sources_of_hour(self, hour: int) -> dict[bytes, int]:
        rows = self._database.query(COUNT_FAILURES_OF_SOURCES, (*_bounds(hour), TOP_SOURCES))
        return {row["source_hash"]: row["failures"] for row in rows}

    def keep_hour(self, hour: int, events: Mapping[str, int], sources: Mapping[bytes, int], now: int) -> None:
        rows: list[tuple[object, ...]] = [(hour, name, NO_SUBJECT, n) for name, n in events.items()]
        rows += [(hour, FAILURES_OF_SOURCE, source, n) for source, n in sources.items()]
        rows.append((hour, ROLLED_UP, NO_SUBJECT, now))

        def work(statements: Transaction) -> None:
            statements.execute(DELETE_SOURCES_OF_HOUR, (hour, FAILURES_OF_SOURCE))
            statements.execute_many(UPSERT_ROLLUP, rows)

        self._database.transaction(work)

    def figures(self, since: int, before: int, step_s: int) -> list[StepFigure]:
        rows = self._database.query(SELECT_FIGURES, (step_s, since, before, NO_SUBJECT))
        return [StepFigure(int(r["step_at"]), r["name"], int(r["total"]), int(r["most"])) for r in rows]

    def figures_of_steps(self, starts: Sequence[int], before: int) -> list[StepFigure]:
        # At least two, as INTERVAL of MariaDB and MySQL wants.
        ends = (*starts, before)
        parameters = (*ends, starts[0], before, NO_SUBJECT)
        rows = self._database.query(select_figures_of_steps(len(ends)), parameters)
        return [StepFigure(starts[r["step"] - 1], r["name"], int(r["total"]), int(r["most"])) for r in rows]

    def top_sources(self, since: int, before: int, limit: int) -> list[SourceFigure]:
        rows = self._database.query(SELECT_TOP_SOURCES, (since, before, FAILURES_OF_SOURCE, limit))
        return [SourceFigure(row["subject"], int(row["failures"])) for row in rows]

    def forget_from(self, hour: int) -> None:
        while self._database.execute(FORGET_HOURS, (hour, FORGOTTEN_AT_ONCE)) == FORGOTTEN_AT_ONCE:
            pass

    def cleanup_debt(self, before: int) -> CleanupDebt:
        bound = to_sql(before)
        oldest = self._database.query(SELECT_OLDEST_DUE, (bound,))
        [count] = self._database.query(COUNT_DUE, (bound, MAX_DUE))
        return CleanupDebt(from_sql(oldest[0]["expires_at"]) if oldest else None, int(count["due"]))


def _bounds(hour: int) -> tuple[bytes, bytes]:
    return first_uuid_at(hour), first_uuid_at(hour + HOUR_S)
