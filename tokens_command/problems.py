"""What can go wrong, each as one sentence that says what to do, with the exit code of the command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every subcommand; docs/reference/command.md states them."""

    DONE = 0
    NO = 1  # the answer is no: not found, or what was looked at is not well
    REFUSED = 2  # an argument is wrong; nothing changed
    UNREACHABLE = 3  # the service or AWS gave no usable answer; an act may or may not have been done
    DENIED = 4  # no credentials, or they have no right to it
    UNCONFIRMED = 5  # not confirmed; nothing changed
    INTERRUPTED = 130
    UNREAD = 141  # whoever read the output went away, as SIGPIPE ends other programs


class Problem(Exception):
    """A sentence for the operator, and the exit code."""

    def __init__(self, sentence: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(sentence)
        self.code = code
