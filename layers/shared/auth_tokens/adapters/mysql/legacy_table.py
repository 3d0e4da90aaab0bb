"""The Portal's own table of tokens, as the mapping names it: its parts in SQL, and a row as a LegacyRow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from auth_tokens.adapters.mysql.portal import PortalTables, id_text, literal
from auth_tokens.adapters.mysql.times import from_sql, to_sql
from auth_tokens.domain.legacy_tokens import LegacyRow, LegacyTokens
from auth_tokens.domain.portal_columns import TimeColumn

# An end that a mark writes is this long ago. A Portal whose clock is behind, or whose zone repeats an hour, sees it as
# past all the same.
MARK_BEHIND_S = 7200
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class LegacyTable:
    """The table, `old` in SQL. tables: the mapping that it is a section of; gets the fragments of this one."""

    legacy: LegacyTokens
    tables: PortalTables

    def __post_init__(self) -> None:
        self.tables.add(self._fragments())

    def _fragments(self) -> dict[str, str]:
        legacy = self.legacy
        ends = self._instant(legacy.ends)
        live = " AND ".join(self.tables.holds(condition, "old") for condition in legacy.live)
        user = id_text(self.tables.mapping.users.id_form, self._column(legacy.user))
        columns = (
            self._column(legacy.id),
            f"CONVERT({user} USING utf8mb4)",
            self._column(legacy.token),
            self._column(legacy.type),
            f"({live})",
            ends,
            self._instant(legacy.created),
            self._column(legacy.device_name),
        )
        return {
            "old_table": self.tables.table(legacy.table),
            "old_id": self._column(legacy.id),
            "old_token": self._column(legacy.token),
            # What row_from reads.
            "old_columns": ", ".join(columns),
            # Live, and before its end, if it has one. By now_values.
            "old_is_in_force": f"{live} AND ({ends} IS NULL OR {ends} > %(old_now)s)",
            "old_is_of_a_kind": self._is_of_a_kind(),
            "old_mark": self._mark(),
            "old_is_of_this_password": self._is_of_this_password(),
        }

    def now_values(self, now: int) -> dict[str, Any]:
        return {"old_now": _written(self.legacy.ends, now)}

    def _is_of_a_kind(self) -> str:
        """Of a type that is taken over."""
        words = ", ".join(literal(word) for word in self.legacy.kinds if word)
        return f"{self._column(self.legacy.type)} IN ({words})" if words else "TRUE"

    def _mark(self) -> str:
        """What ends a row for the Portal. By mark_values."""
        mark, ends = self.legacy.mark, self.legacy.ends
        if mark is None:
            return ""
        is_timestamp = mark.is_now and ends is not None and ends.unit == "timestamp"
        value = "FROM_UNIXTIME(%(mark)s)" if is_timestamp else "%(mark)s"
        return f"{self._column(mark.column)} = {value}"

    def mark_values(self, now: int) -> dict[str, Any]:
        mark = self.legacy.mark
        if mark is None:
            return {}
        return {"mark": _written(self.legacy.ends, now - MARK_BEHIND_S) if mark.is_now else mark.value}

    def _is_of_this_password(self) -> str:
        """Of the user `u`: no token that was made when the password changed, or before, is good. By made_values."""
        column = self.tables.mapping.users.tokens_valid_after
        if column is None:
            return "TRUE"
        name = f"u.{self.tables.name(column.column)}"
        since = f"UNIX_TIMESTAMP({name})" if column.unit == "timestamp" else name
        return f"({since} IS NULL OR {since} < %(old_made)s)"

    def made_values(self, created_at: int) -> dict[str, Any]:
        return {"old_made": _written(self.tables.mapping.users.tokens_valid_after, created_at)}

    def row_from(self, values: Sequence[Any]) -> LegacyRow | None:
        """The values of `old_columns`; None where no row was joined."""
        row_id, user, stored, kind, is_live, ends, created, device_name = values
        if row_id is None or stored is None:
            return None
        legacy = self.legacy
        return LegacyRow(
            id=row_id,
            user_id=None if user is None else self.tables.mapping.users.id_form.canonical(user),
            stored=stored,
            kind=legacy.kinds.get("" if legacy.type is None else _text(kind)),
            is_live=bool(is_live),
            ends_at=_read(legacy.ends, ends),
            created_at=_read(legacy.created, created),
            device_name=_text(device_name)[:_MAX_TEXT],
        )

    def _column(self, name: str | None) -> str:
        """NULL where the mapping has none."""
        return "NULL" if name is None else f"old.{self.tables.name(name)}"

    def _instant(self, column: TimeColumn | None) -> str:
        """A TIMESTAMP by its instant, as what it shows depends on the zone of the connection."""
        if column is None:
            return "NULL"
        name = self._column(column.column)
        return f"UNIX_TIMESTAMP({name})" if column.unit == "timestamp" else name


def _read(column: TimeColumn | None, value: Any) -> int | None:
    """Epoch seconds; None for NULL, 0 for the zero date."""
    if column is None or value is None:
        return None
    match column.unit:
        case "datetime":
            return from_sql(value - _offset(column.zone)) if isinstance(value, datetime) else 0
        case "epoch-ms":
            return int(value) // 1000
        case _:
            return int(value)


def _written(column: TimeColumn | None, instant: int) -> Any:
    """The inverse."""
    match column.unit if column else "":
        case "datetime" if column:
            return to_sql(instant) + _offset(column.zone)
        case "epoch-ms":
            return instant * 1000
        case _:
            return instant


def _offset(zone: str) -> timedelta:
    """Of a zone such as +05:30."""
    sign = -1 if zone[0] == "-" else 1
    return sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))


def _text(value: Any) -> str:
    """A value of a column of texts, of an ENUM, of numbers or of bytes, as the mapping's words have it."""
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
