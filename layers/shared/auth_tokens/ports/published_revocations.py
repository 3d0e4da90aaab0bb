"""The log of revocations as it is published for verifiers elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.published_revocations import Entry


@dataclass(frozen=True, slots=True)
class LogState:
    """now_s: by the clock of the database; width: highest minus lowest number; anchor: the first id of the row asked
    for, None where it is gone; cutoffs: those that access tokens live under."""

    now_s: int
    width: int
    anchor: bytes | None
    cutoffs: tuple[Cutoff, ...]


class RevocationEntries(Protocol):
    """Both raise Unavailable."""

    def state(self, number: int) -> LogState:
        """The log as it is now. number: of the row whose first id is asked for."""

    def after(self, number: int, limit: int) -> list[Entry]:
        """The entries beyond a number, ascending, at most `limit`."""


class StatementSigner(Protocol):
    def sign(self, claims: Mapping[str, Any], typ: str) -> str:
        """A JWT of that type. Raises Unavailable."""
