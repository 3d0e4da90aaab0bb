"""`make takeover-trial`: tests/adoption/trial.py with a thousand people on each of the Portal's schemas that have an
absolute end. Exit code 0: nobody was signed out, nobody twice."""

import argparse
import os
import sys

from tests.adoption.place import place
from tests.adoption.trial import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="adoption", description=__doc__)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--shape", choices=("integer", "text"), default="integer")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with place() as at, at.stage(options.shape) as stage:
        report = run(stage, options.people, seed=options.seed)
    print(f"{os.environ.get('TOKENS_DB') or 'mariadb'}, {options.shape}: {report}")
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
