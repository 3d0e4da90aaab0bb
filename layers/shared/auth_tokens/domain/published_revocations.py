"""The document of revocations for verifiers outside API Gateway, and the place up to which it was read
(docs/adr/0038)."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from auth_tokens.domain.base64url import to_base64url
from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S, SETTLED_AFTER_S
from auth_tokens.domain.errors import InvalidRequest

STATEMENT_TYPE = "revocations+jwt"
# How long a verifier keeps an id after it was published: an access token lives no longer, and clocks differ.
MEMORY_S = MAX_ACCESS_TTL_S + 60

_CURSOR = re.compile(r"(\d{1,19})\.((?:[0-9a-f]{16})?)\.(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log. ids: their last 8 bytes, empty once no access token of them is good; first_id: of all."""

    number: int
    written_at: int
    first_id: bytes
    ids: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """settled: no number up to it is awaited; anchor: the first id of its row, by which another history is known;
    read_to: the last number that this reading has passed."""

    settled: int = 0
    anchor: bytes = b""
    read_to: int = 0

    @property
    def cursor(self) -> str:
        return f"{self.settled}.{self.anchor.hex()}.{self.read_to}"

    def after(self, entries: Sequence[Entry], now_s: int, *, is_complete: bool) -> "Place":
        """The place behind the entries that follow it. Once the reading is complete, the next one starts at `settled`,
        so that what is committed late is published. now_s: by the clock of the database."""
        settled, anchor = self.settled, self.anchor
        if self.read_to == self.settled:
            for entry in entries:
                if entry.number != settled + 1 and now_s - entry.written_at <= SETTLED_AFTER_S:
                    break
                settled, anchor = entry.number, entry.first_id
        return Place(settled, anchor, settled if is_complete else entries[-1].number)


def place_of(cursor: str | None) -> Place:
    """The place that a verifier asks from; the start without a cursor. Raises InvalidRequest."""
    if cursor is None:
        return Place()
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidRequest("after must be the cursor of the answer before.")
    return Place(int(found[1]), bytes.fromhex(found[2]), int(found[3]))


def published_ids(entries: Sequence[Entry]) -> str:
    """The ids of the entries: 8 bytes each, one after the other, in base64url."""
    return _base64url(b"".join(entry.ids for entry in entries))


def statement(ids: str, claims: dict[str, Any]) -> dict[str, Any]:
    """What is signed: claims, and the hash of the ids, which are too many for a signature by KMS."""
    return {**claims, "ids_sha256": _base64url(hashlib.sha256(ids.encode()).digest()), "memory_s": MEMORY_S}


def _base64url(raw: bytes) -> str:
    return to_base64url(raw)
