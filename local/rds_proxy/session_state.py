"""What the proxy follows of a session and takes to another server connection: the schema, and tracked settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from local.rds_proxy.pinning import tracked_settings

# How PyMySQL opens a server connection.
INITIAL = MappingProxyType({"names": "SET NAMES utf8mb4"})
_USE = re.compile(rb"\s*USE\s+`?([^`;\s]+)`?\s*;?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SessionState:
    """settings: by name, the statement that made it last, in order."""

    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=lambda: INITIAL)

    def after(self, statement: bytes) -> SessionState:
        """The state when the statement has succeeded."""
        if found := _USE.fullmatch(statement):
            return SessionState(found[1].decode(), self.settings)
        names = tracked_settings(statement)
        if not names:
            return self
        text = " ".join(statement.decode("utf-8", "replace").split())
        kept = {name: earlier for name, earlier in self.settings.items() if name not in names}
        return SessionState(self.database, {**kept, **dict.fromkeys(sorted(names), text)})

    def can_become(self, other: SessionState) -> bool:
        """Whether statements lead there: what has been set cannot be unset, nor a schema left for none."""
        is_settable = self.settings.keys() <= other.settings.keys()
        return is_settable and (other.database is not None or self.database is None)

    def statements_to(self, other: SessionState) -> list[str]:
        """What leads there, but for the schema."""
        is_there = list(self.settings.items()) == list(other.settings.items())
        return [] if is_there else list(dict.fromkeys(other.settings.values()))
