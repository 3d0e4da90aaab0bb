"""Which statements make RDS Proxy pin a session to a server connection, and which settings it tracks instead.

Source: AWS's list for MySQL. Prepared statements, user variables, SET of an untracked variable, named locks, table
locks, temporary tables, and statements of more than 16 KB pin.
"""

from __future__ import annotations

import re

MAX_STATEMENT_BYTES = 16 * 1024
# The settings that the proxy tracks, and restores on another connection.
TRACKED = frozenset(
    {
        "autocommit",
        "auto_increment_increment",
        "character_set_client",
        "character_set_connection",
        "character_set_results",
        "collation_connection",
        "interactive_timeout",
        "names",
        "net_write_timeout",
        "session_track_schema",
        "sql_mode",
        "time_zone",
        "transaction_isolation",
        "transaction_read_only",
        "wait_timeout",
    }
)
_COMMANDS = frozenset({"Connect", "Query", "Quit"})

_LITERALS = re.compile(
    r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`[^`]*`|/\*.*?\*/|(?:--\s|#)[^\n]*", re.DOTALL
)
_PINNING = {
    "a user variable": r"(?<!@)@(?!@)",
    "a prepared statement": r"^\s*(PREPARE|EXECUTE|DEALLOCATE)\b",
    "a named lock": r"\b(GET_LOCK|RELEASE_LOCK|RELEASE_ALL_LOCKS|IS_USED_LOCK|IS_FREE_LOCK)\s*\(",
    "a table lock": r"^\s*(LOCK|UNLOCK)\s+TABLES?\b",
    "a global read lock": r"^\s*FLUSH\b.*\bREAD\s+LOCK\b",
    "a temporary table": r"\bTEMPORARY\b",
    "a function of the session's state": r"\b(ROW_COUNT|FOUND_ROWS|LAST_INSERT_ID)\s*\(",
}
_SET = re.compile(
    r"^\s*SET\s+(?:(?:SESSION|LOCAL|GLOBAL)\s+|@@(?:SESSION|LOCAL|GLOBAL)?\.?)?(\w+)", re.IGNORECASE
)
_ASSIGNED = re.compile(r"(?:,\s*(?:(?:SESSION|LOCAL|GLOBAL)\s+)?|@@(?:\w+\.)?)(\w+)\s*:?=", re.IGNORECASE)


def pins(command: str, statement: bytes) -> str | None:
    """The reason why a command pins; None if it does not.

    command: its name in a server's general log, such as `Query` for a statement as text.
    """
    if command not in _COMMANDS:
        return f"command {command}"
    if command != "Query":
        return None
    if len(statement) > MAX_STATEMENT_BYTES:
        return f"{len(statement)} bytes"
    bare = _bare(statement)
    for reason, pattern in _PINNING.items():
        if re.search(pattern, bare, re.IGNORECASE | re.DOTALL):
            return reason
    untracked = _assigned(bare) - TRACKED
    return f"SET {', '.join(sorted(untracked))}" if untracked else None


def tracked_settings(statement: bytes) -> frozenset[str]:
    """The tracked settings that a statement changes; `names` for SET NAMES and SET CHARACTER SET."""
    return _assigned(_bare(statement)) & TRACKED


def _bare(statement: bytes) -> str:
    """The statement without literals, quoted names and comments."""
    return _LITERALS.sub("''", statement.decode("utf-8", "replace"))


def _assigned(bare: str) -> frozenset[str]:
    found = _SET.match(bare)
    if not found:
        return frozenset()
    if found[1].upper() in ("NAMES", "CHARACTER", "CHARSET"):
        return frozenset({"names"})
    return frozenset({found[1].lower(), *(name.lower() for name in _ASSIGNED.findall(bare))})
