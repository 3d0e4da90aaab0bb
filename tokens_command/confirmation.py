"""An act that cannot be taken back is done after one confirmation, and not without it."""

from __future__ import annotations

import sys

import click

from tokens_command.output import printable
from tokens_command.problems import Exit, Problem


def confirm(act: str, *, yes: bool) -> None:
    """Asks once, on a terminal. yes: of `--yes`, for scripts. Raises Problem: nothing is to be changed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Problem(f"{act} Nothing was changed: confirm it by --yes.", Exit.UNCONFIRMED)
    if not click.confirm(printable(act), err=True):
        raise Problem("Nothing was changed.", Exit.UNCONFIRMED)


def confirm_in_words(act: str, words: str, given: str | None) -> None:
    """The same for what concerns everybody: by words, typed or as an argument. Raises Problem."""
    if given is None and sys.stdin.isatty():
        given = click.prompt(f'{act} Type "{words}" to do it', err=True, default="", show_default=False)
    if given != words:
        raise Problem(f'{act} Nothing was changed: confirm it by --confirm "{words}".', Exit.UNCONFIRMED)
