"""`make run`. It says so before it imports the rest, which takes a second."""

from __future__ import annotations

import sys

from local.progress import Progress


def main() -> int:
    """Serves until it is interrupted. Returns 1 if it cannot start."""
    progress = Progress(sys.stderr)
    progress("make run: loading")
    from local.run import run

    return run(progress)


if __name__ == "__main__":
    sys.exit(main())
