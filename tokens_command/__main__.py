"""`tokens`: the service from a terminal, for its operators."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tokens_command.problems import Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. arguments: without the program's name, by default the process's."""
    try:
        # Imported here: it takes a second, in which an interrupt must not end in a traceback.
        from tokens_command.program import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
