"""The lines of `make demo`: steps, requests, answers and checks, cut or wrapped to the window."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from local.client import Reply
from tokens_command.output import printable

_INDENT = 4
_STATUS_STYLES = {2: "green", 4: "yellow", 5: "bold red"}


class Screen:
    """Prints to a console. No text in a request or an answer can steer the terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def step(self, number: int, title: str, why: str) -> None:
        """A step, and why somebody wants it."""
        numbered = Table.grid()
        numbered.add_row(Text(f"{number:2}. ", "bold cyan"), Text(title, "bold cyan"))
        self._console.print()
        self._console.print(numbered)
        self._wrapped(Text(why, "dim"))

    def asked(self, what: str) -> None:
        self._cut(Text(f"→ {printable(what)}"))

    def answered(self, reply: Reply) -> None:
        """Its status and body, of which tokens are abbreviated."""
        style = _STATUS_STYLES.get(reply.status // 100, "")
        self._cut(Text(f"← {printable(reply.shortened(self._console.width))}", style))

    def returned(self, result: object) -> None:
        """What a function returned that was invoked directly."""
        self._cut(Text(f"← {printable(result)}"))

    def holds(self, what: str) -> None:
        self._wrapped(Text(f"✓ {printable(what)}", "green"))

    def fails(self, what: str) -> None:
        self._wrapped(Text(f"✗ {printable(what)}", "bold red"))

    def part(self, sentence: str, style: str) -> None:
        """The first sentence of what comes after the steps."""
        self._console.print()
        self.say(sentence, style)

    def say(self, sentence: str, style: str = "") -> None:
        self._wrapped(Text(printable(sentence), style), 0)

    def offer(self, what: str, why: str) -> None:
        """Something to type or open, on a line of its own that is never cut or wrapped, so that it can be copied."""
        self._console.print(Text(f"    {what}", "bold"), soft_wrap=True)
        self._wrapped(Text(why, "dim"), 2 * _INDENT)

    def _wrapped(self, text: Text, indent: int = _INDENT) -> None:
        self._console.print(Padding(text, (0, 0, 0, indent), expand=False))

    def _cut(self, text: Text) -> None:
        text.truncate(self._console.width - _INDENT, overflow="ellipsis")
        self._wrapped(text)
