"""The state of a session that the proxy restores on another server connection: schema and tracked settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from local.servers.rds_proxy.pinning import tracked_settings

# The settings of a connection that PyMySQL has opened.
INITIAL = MappingProxyType({"names": "SET NAMES utf8mb4"})
_USE = re.compile(rb"\s*USE\s+`?([^`;\s]+)`?\s*;?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SessionState:
    """settings: the name of each, and the statement that set it last, in the order of the statements."""

    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=lambda: INITIAL)

    def after(self, statement: bytes) -> SessionState:
        """The state after the statement has succeeded."""
        if found := _USE.fullmatch(statement):
            return SessionState(found[1].decode(), self.settings)
        names = tracked_settings(statement)
        if not names:
            return self
        text = " ".join(statement.decode("utf-8", "replace").split())
        kept = {name: earlier for name, earlier in self.settings.items() if name not in names}
        return SessionState(self.database, {**kept, **dict.fromkeys(sorted(names), text)})

    def can_become(self, other: SessionState) -> bool:
        """Whether statements can change this state into the other. They cannot unset a setting or leave a schema."""
        is_settable = self.settings.keys() <= other.settings.keys()
        return is_settable and (other.database is not None or self.database is None)

    def statements_to(self, other: SessionState) -> list[str]:
        """The statements that change the settings into those of the other state."""
        is_there = list(self.settings.items()) == list(other.settings.items())
        return [] if is_there else list(dict.fromkeys(other.settings.values()))
