"""Checks of the Portal's own tokens against the mapping, for `doctor`. Nothing here writes, and no token is told."""

import math
import re
from collections.abc import Iterator, Sequence

from auth_tokens.adapters.mysql.legacy_table import LegacyTable
from auth_tokens.adapters.mysql.portal_facts import Check, Named, PortalFacts, PortalFinding, must, should
from auth_tokens.domain.legacy_tokens import LegacyTokens, StoredForm

# Index: primary key, its first rows.
SELECT_STORED_SAMPLE = """
SELECT {old_token} AS kept
FROM {old_table} AS old
ORDER BY {old_id}
LIMIT 100
"""

_STORED = {
    StoredForm.SHA256_HEX: re.compile(r"[0-9a-f]{64}", re.ASCII),
    StoredForm.SHA256_BASE64: re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII),
    StoredForm.SHA256_BASE64URL: re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII),
}
_RAW_BYTES = 32
# With fewer bits a token is found by trying, and with fewer than a UUID has, it should be longer.
MIN_BITS, GOOD_BITS = 64, 112
_PART = re.compile(r"(?P<one>\[[^\]]+\]|.)(?:\{(?P<least>\d+)(?:,\d+)?\})?")
_CHARACTERS = [chr(code) for code in range(33, 127)]


def legacy_columns(legacy: LegacyTokens) -> Iterator[Named]:
    """Those that the section legacy_tokens names."""
    named: dict[str, str | None] = {
        "id": legacy.id,
        "token": legacy.token,
        "type": legacy.type,
        "ends": legacy.ends.column if legacy.ends else None,
        "created": legacy.created.column if legacy.created else None,
        "device_name": legacy.device_name,
        "mark": legacy.mark.column if legacy.mark else None,
    }
    yield Named("legacy_tokens.user", legacy.table, legacy.user, is_id=True)
    for member, column in named.items():
        if column is not None:
            yield Named(f"legacy_tokens.{member}", legacy.table, column)
    for condition in legacy.live:
        yield Named("legacy_tokens.live", legacy.table, condition.column)


def legacy_indexes(facts: PortalFacts) -> Iterator[PortalFinding]:
    """Each attempt with an older token would read the whole table."""
    legacy = facts.mapping.legacy_tokens
    if legacy is None:
        return
    table = facts.qualified(legacy.table)
    if not facts.is_indexed(legacy.table, legacy.token):
        yield must(f"{table} has no index that begins with {legacy.token}: make one.")
    if not facts.is_indexed(legacy.table, legacy.id, alone=True):
        yield must(f"{table} has no unique index on {legacy.id}: make one.")


def stored_form(facts: PortalFacts) -> Iterator[PortalFinding]:
    """A hundred stored values are of the form that the mapping says. They leave this function for nowhere."""
    legacy = facts.mapping.legacy_tokens
    if legacy is None:
        return
    LegacyTable(legacy, facts.tables)  # brings its fragments
    rows = facts.database.query(facts.tables.sql(SELECT_STORED_SAMPLE))
    strange = sum(not _is_of_form(row["kept"], legacy) for row in rows if row["kept"] is not None)
    if strange:
        yield must(
            f"{strange} of the first {len(rows)} values in {facts.qualified(legacy.table)}.{legacy.token} are not"
            f" {legacy.stored.value}{' of that shape' if legacy.stored is StoredForm.PLAIN else ''}: look at"
            " legacy_tokens.token."
        )


def guessable(facts: PortalFacts) -> Iterator[PortalFinding]:
    """By the shape: whoever tries would find a live token."""
    legacy = facts.mapping.legacy_tokens
    if legacy is None:
        return
    bits = bits_of(legacy.shape.pattern)
    if bits < MIN_BITS:
        yield must(f"Tokens of the shape {legacy.shape.pattern} have {bits} bits: they can be guessed.")
    elif bits < GOOD_BITS:
        yield should(
            f"Tokens of the shape {legacy.shape.pattern} have {bits} bits: take over for a short time only."
        )


def bits_of(shape: str) -> int:
    """How many bits a random token of a shape has at least."""
    return math.floor(
        sum(math.log2(_width(part["one"])) * int(part["least"] or 1) for part in _PART.finditer(shape))
    )


def _width(one: str) -> int:
    """How many characters a class admits."""
    return sum(re.fullmatch(one, character) is not None for character in _CHARACTERS)


def _is_of_form(stored: str | bytes, legacy: LegacyTokens) -> bool:
    if legacy.stored is StoredForm.SHA256_RAW:
        return isinstance(stored, bytes) and len(stored) == _RAW_BYTES
    text = stored.decode("utf-8", "replace") if isinstance(stored, bytes) else stored
    return _STORED.get(legacy.stored, legacy.shape).fullmatch(text) is not None


LEGACY_CHECKS: Sequence[Check] = (legacy_indexes, stored_form, guessable)
