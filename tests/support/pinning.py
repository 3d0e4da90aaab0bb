"""What makes RDS Proxy pin a session to one client, looked for in a server's general log.

After AWS's list for MySQL: prepared statements, user variables, SET of what the proxy does not track, locks by
name or by table, temporary tables, and any statement of more than 16 KB.
"""

import re

MAX_STATEMENT_BYTES = 16 * 1024
# What the proxy follows and may share a connection for.
TRACKED = frozenset(
    {
        "autocommit",
        "auto_increment_increment",
        "character_set_client",
        "character_set_connection",
        "character_set_results",
        "collation_connection",
        "interactive_timeout",
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
    """Why this line of a general log pins, or is no plain query at all; None if it does neither."""
    if command not in _COMMANDS:
        return f"command {command}"
    if command != "Query":
        return None
    if len(statement) > MAX_STATEMENT_BYTES:
        return f"{len(statement)} bytes"
    bare = _LITERALS.sub("''", statement.decode("utf-8", "replace"))
    for reason, pattern in _PINNING.items():
        if re.search(pattern, bare, re.IGNORECASE | re.DOTALL):
            return reason
    return _untracked(bare)


def _untracked(bare: str) -> str | None:
    found = _SET.match(bare)
    if not found or found[1].upper() in ("NAMES", "CHARACTER", "CHARSET"):
        return None
    names = {found[1].lower(), *(name.lower() for name in _ASSIGNED.findall(bare))}
    return f"SET {', '.join(sorted(names - TRACKED))}" if names - TRACKED else None
