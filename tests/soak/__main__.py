"""`make soak`: honest clients, thieves and a checker, while what the service stands on is struck. Exit code 0: right.

The schedule of the faults follows from the seed; which request each of them meets does not.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from tests.soak.stage import Run, soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=5, help="then what is under way is brought to its end"
    )
    parser.add_argument(
        "--seed", type=int, default=int(time.time()) % 100_000, help="default: another each time"
    )
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="a folder for data and logs, which stay there")
    options = parser.parse_args()
    kind = os.environ.get("TOKENS_DB") or "mariadb"
    print(f"soak of {options.minutes:g} minutes on {kind}, seed {options.seed}", file=sys.stderr, flush=True)
    figures = soak(Run(options.minutes * 60, options.seed, options.clients, folder=options.keep))
    for line in figures.evidence:
        print(line, file=sys.stderr)
    print(f"{kind}, {options.minutes:g} minutes, seed {options.seed}\n\n{figures.markdown()}")
    return 0 if figures.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
