"""Standard output of the programs that people watch: `make demo`, `make traffic`."""

from __future__ import annotations

import os

from rich.console import Console

# Where nobody's window is the bound: a file, or another program.
PLAIN_WIDTH = 160


def console() -> Console:
    """In colour and as wide as the window; plain where there is none, or where NO_COLOR is set (no-color.org)."""
    made = Console(highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")
    if not made.is_terminal and not os.environ.get("COLUMNS"):
        made.width = PLAIN_WIDTH
    return made
