"""Arguments that may come from standard input, which leaves them out of the shell's history."""

from __future__ import annotations

import sys

from tokens_command.problems import Problem


def text_of(argument: str) -> str:
    """The argument itself; of `-` the first line of standard input. Raises Problem for an empty one."""
    text = (sys.stdin.readline() if argument == "-" else argument).strip()
    if not text:
        where = "Standard input" if argument == "-" else "The argument"
        raise Problem(f"{where} is empty: a name, an id or a token is wanted.")
    return text
