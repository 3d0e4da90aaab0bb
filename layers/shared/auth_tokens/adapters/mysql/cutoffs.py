"""auth_token_cutoffs: «everything before T has ended», and the rows of auth_user_tokens that it covers."""

from collections.abc import Mapping, Sequence
from typing import Any

from auth_tokens.adapters.mysql.times import from_text
from auth_tokens.domain.acr import DEVICE_ACR, LEGACY_ACR
from auth_tokens.domain.errors import Unavailable


def began_at(row: str) -> str:
    """When a session or device began (domain.sessions.TokenRecord.began_at)."""
    return f"""CASE
        WHEN {row}.acr IN ('{DEVICE_ACR}', '{LEGACY_ACR}') THEN {row}.auth_time
        WHEN {row}.type = 'device' THEN GREATEST({row}.created_at, {row}.auth_time)
        ELSE {row}.created_at
      END"""


# The cut-offs that may cover a row, of all clients and of its own, for a read by the row's id. Compared in Python, they
# cost less than IS_CUT_OFF. Index: primary key of both, of a table with a row a client at most.
CUTOFF_JOINS = """LEFT JOIN auth_token_cutoffs AS cut_all ON cut_all.client_id = ''
LEFT JOIN auth_token_cutoffs AS cut_own ON cut_own.client_id = t.client_id"""
CUTOFF_COLUMNS = "cut_all.before_at, cut_all.decided_at, cut_own.before_at, cut_own.decided_at"

# Index: primary key, of a table with a row a client at most. Of what EXISTS would take for some rows of a user, the
# maximum takes two thirds.
IS_CUT_OFF = f"""COALESCE({began_at("t")} <= (
    SELECT MAX(cut.before_at) FROM auth_token_cutoffs AS cut
    WHERE cut.client_id IN ('', t.client_id)), FALSE)"""

# All of them, behind the lock of `o`, a row of auth_token_users, whose value cannot be used before it is read. As names
# of an object, and in hexadecimal, for the reasons of PortalTables' labels.
CUTOFFS_BEHIND_LOCK = """(SELECT JSON_ARRAY(COUNT(*) + 0 * o.stop_number, JSON_OBJECTAGG(HEX(client_id), before_at))
      FROM auth_token_cutoffs AS cut)"""


def cutoffs_from(found: Sequence[Any]) -> Mapping[str, int]:
    """What each client's cut-off covers, in CUTOFFS_BEHIND_LOCK. Raises Unavailable where the server cut it."""
    count, named = found
    before = {bytes.fromhex(client_id).decode(): from_text(at) for client_id, at in (named or {}).items()}
    if len(before) != count:
        raise Unavailable("cut-offs beyond max_allowed_packet")
    return before


def are_covering(cutoffs: Mapping[str, int], client_id: str, began_at: int) -> bool:
    """Does one of them, of all clients or of its own, cover a row?"""
    return any(began_at <= cutoffs[name] for name in ("", client_id) if name in cutoffs)
