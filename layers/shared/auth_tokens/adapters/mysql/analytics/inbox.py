"""auth_token_finding_groups: one row for each rule and subject, written with the events that change it."""

from collections.abc import Mapping, Sequence
from typing import Any

from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.adapters.mysql.events import EventWriter
from auth_tokens.domain.analytics.finding_groups import FindingGroup, GroupPlace, GroupSelection
from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.analytics.findings import RANKED, Finding
from auth_tokens.domain.events import RecordedEvent, SecurityEvent

MAX_COUNTED = 10_000

# Index: primary key. A finding opens its group; after a close the figures begin anew. A unit of work may run twice: the
# second time its finding is no newer, and changes nothing. The columns are set in this order, each by the old values of
# those behind it.
ADD_FINDING = """
INSERT INTO auth_token_finding_groups
  (rule, subject, user_id, state, severity, findings, first_at, newest_id)
VALUES (%(rule)s, %(subject)s, %(user_id)s, 'open', %(severity)s, 1, %(first_at)s, %(id)s)
ON DUPLICATE KEY UPDATE
  findings = IF(newest_id >= VALUES(newest_id), findings, IF(state = 'closed', 1, findings + 1)),
  first_at = IF(newest_id < VALUES(newest_id) AND state = 'closed', VALUES(first_at), first_at),
  severity = IF(
    newest_id < VALUES(newest_id) AND state = 'closed',
    VALUES(severity),
    GREATEST(severity, VALUES(severity))
  ),
  state = IF(newest_id < VALUES(newest_id), 'open', state),
  newest_id = GREATEST(newest_id, VALUES(newest_id))
"""

# Index: primary key. Row count 0: a later finding has come, or there is no such group; its state stays.
CHANGE_GROUP = """
UPDATE auth_token_finding_groups
SET state = %(state)s, changed_id = %(changed_id)s
WHERE rule = %(rule)s AND subject = %(subject)s AND newest_id <= %(finding_id)s
"""


def select_groups(filters: str) -> str:
    """Index: ix_inbox, backwards from the place; with a user's id ix_user, of few rows."""
    return f"""
SELECT rule, subject, state, severity, findings, first_at, newest_id, changed_id
FROM auth_token_finding_groups
WHERE state = %(state)s
  AND (severity < %(rank)s OR (severity = %(rank)s AND newest_id < %(newest_id)s)){filters}
ORDER BY severity DESC, newest_id DESC
LIMIT %(limit)s
"""


def _count(state: FindingState) -> str:
    return (
        "(SELECT COUNT(*) FROM (SELECT 1 FROM auth_token_finding_groups"
        f" WHERE state = '{state.value}' LIMIT {MAX_COUNTED}) AS {state.value}_groups) AS {state.value}"
    )


# Index: ix_inbox, at most MAX_COUNTED entries of each state.
COUNT_GROUPS = f"SELECT {', '.join(_count(state) for state in FindingState)}"


class MySqlInbox:
    """Port ports.events.FindingInbox."""

    def __init__(self, database: Database, writer: EventWriter) -> None:
        self._database = database
        self._writer = writer

    def report(self, finding: Finding, now: int) -> None:
        parameters = {
            "rule": finding.rule.value,
            "subject": finding.subject,
            "user_id": finding.user_id,
            "severity": finding.severity.rank,
            "first_at": finding.first_at,
        }
        self._write(finding.as_event(now), ADD_FINDING, parameters, "id")

    def change(self, finding: RecordedEvent, state: FindingState, event: SecurityEvent) -> None:
        parameters = {
            "rule": finding.detail.get("rule", ""),
            "subject": finding.detail.get("subject", ""),
            "state": state.value,
            "finding_id": finding.id,
        }
        self._write(event, CHANGE_GROUP, parameters, "changed_id")

    def groups(self, wanted: GroupSelection, after: GroupPlace, limit: int) -> list[FindingGroup]:
        given = {
            "rule": wanted.rule.value if wanted.rule else None,
            "severity": wanted.severity.rank if wanted.severity else None,
            "user_id": wanted.user_id,
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        statement = select_groups("".join(f"\n  AND {name} = %({name})s" for name in chosen))
        place = {"rank": after.rank, "newest_id": after.newest_id, "limit": limit}
        rows = self._database.query(statement, {**chosen, **place, "state": wanted.state.value})
        return [_group(row) for row in rows]

    def counts(self) -> dict[FindingState, int]:
        [row] = self._database.query(COUNT_GROUPS)
        return {state: int(row[state.value]) for state in FindingState}

    def _write(self, event: SecurityEvent, statement: str, parameters: Mapping[str, Any], key: str) -> None:
        """An event, and what its id under `key` changes: both or neither."""
        rows: Sequence[tuple[object, ...]] = self._writer.rows([event])

        def work(statements: Transaction) -> None:
            statements.execute(statement, {**parameters, key: rows[0][0]})
            self._writer.write(statements, rows)

        self._database.transaction(work)


def _group(row: Mapping[str, Any]) -> FindingGroup:
    return FindingGroup(
        rule=row["rule"],
        subject=row["subject"],
        state=FindingState(row["state"]),
        severity=RANKED[row["severity"] - 1],
        findings=row["findings"],
        first_at=row["first_at"],
        newest_id=row["newest_id"],
        changed_id=row["changed_id"],
    )
