"""The programs of the Makefile: `python -m local` is `make run`, `python -m local demo` is `make demo`, and so on.

Each is imported when it is known which: that takes a second, in which an interrupt must not end in a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from local.progress import Progress

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """The exit code of the program that the first argument names, 130 where it was interrupted."""
    name, *given = arguments or ("run",)
    try:
        return _run(name, given)
    except KeyboardInterrupt:
        print(f"make {name}: interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(name: str, given: Sequence[str]) -> int:
    match name:
        case "run":
            progress = Progress(sys.stderr)
            progress("make run: loading")
            from local.run import run

            return run(progress)
        case "demo":
            from local import demo

            return demo.main()
        case "traffic":
            from local.traffic import program

            return program.main(given)
        case "doctor":
            from local import foreign

            return foreign.main()
    raise ValueError(f"there is no program {name!r}")


if __name__ == "__main__":
    code = main(sys.argv[1:])
    if code == INTERRUPTED:
        # Nobody waits for a thread that is still importing, nor for the end of the interpreter.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
