"""What the command prints: tables for people, JSON for programs; the service's texts never steer a terminal."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tokens_command import times

_WIDE = 240
# How the members are called that are instants: those of the service, and of a token.
_INSTANTS = ("_at", "at", "auth_time", "before", "exp", "iat", "nbf")


def printable(value: object) -> str:
    """A text in which nothing moves the cursor, changes colours or turns the direction of writing around: names and
    user agents are anybody's words."""
    return "".join(
        character if not unicodedata.category(character).startswith("C") else f"\\u{ord(character):04x}"
        for character in str(value)
    )


class Output:
    """Standard output. is_json: documents instead of tables."""

    def __init__(self, *, is_json: bool, clock: Callable[[], float] = time.time) -> None:
        self.is_json = is_json
        self.clock = clock
        self.console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)

    def document(self, document: object) -> None:
        """The whole answer as JSON; nothing in the mode for people."""
        if self.is_json:
            sys.stdout.write(f"{json.dumps(document, indent=2, ensure_ascii=False)}\n")
            sys.stdout.flush()

    def line(self, document: object) -> None:
        """One line of JSON: of what has no end."""
        sys.stdout.write(f"{json.dumps(document, ensure_ascii=False)}\n")
        sys.stdout.flush()

    def say(self, sentence: str, style: str = "") -> None:
        """A sentence for people; nothing with JSON."""
        if not self.is_json:
            self.console.print(Text(printable(sentence), style=style), soft_wrap=True)

    def facts(self, record: Mapping[str, Any], names: Mapping[str, str]) -> None:
        """Members of a record, one a line; names: member → what people call it. Empty ones are left out."""
        if self.is_json:
            return
        grid = Table.grid(padding=(0, 2))
        for member, name in names.items():
            if text := self._cell(member, record.get(member)):
                grid.add_row(Text(name, style="bold"), Text(text))
        self.console.print(grid)

    def table(self, records: Sequence[Mapping[str, Any]], names: Mapping[str, str], empty: str) -> None:
        """Members of records under their names, or a sentence where there are none."""
        if self.is_json:
            return
        if not records:
            self.say(empty)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in names.values():
            table.add_column(name, overflow="fold")
        for record in records:
            table.add_row(*(Text(self._cell(member, record.get(member))) for member in names))
        self.console.print(table)

    def at(self, instant: Any) -> str:
        """An instant for people."""
        return times.shown(instant, self.clock())

    def _cell(self, member: str, value: object) -> str:
        """Instants and lists as people read them."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if type(value) is int and member.endswith(_INSTANTS):
            return self.at(value)
        return printable(", ".join(map(str, value)) if isinstance(value, list) else value)
