"""What an administrator does around a deployment: `python -m deploy STACK users|grants|smoke|doctor`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import database, doctor, smoke
from deploy.aws import Aws, Failed
from deploy.database_users import CLASSES
from deploy.portal_grants import NoMapping, read_document
from deploy.stack import foundation_of, stack_named

_EXIT_CODES = (
    "0: all is well; 1: something is wrong with what was looked at; 2: it could not be looked at, or done"
)
_SQL = """With a database of the foundation's own (DatabaseKind new) the statements are run there, by its Data API. With
another one they are printed, to be piped into a client of its administrator:

    python -m deploy auth-tokens {what} | mysql --host … --user admin --password portal"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. arguments: without the program's name, by default the process's."""
    given = _parser().parse_args(arguments)
    try:
        code: int = given.run(given)
    except Failed as exc:
        print(f"python -m deploy: {exc}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy", description=__doc__, epilog=f"Exit codes. {_EXIT_CODES}."
    )
    parser.add_argument(
        "stack",
        metavar="STACK",
        help="the product's CloudFormation stack; the others are called STACK-foundation and STACK-operations",
    )
    parser.add_argument("--region", help="AWS Region; by default AWS_DEFAULT_REGION or the profile's")
    parser.add_argument("--profile", help="profile of the AWS configuration; by default AWS_PROFILE")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for what, text in (
        ("users", "make the database users"),
        ("grants", "give them their rights on the tables"),
    ):
        described = _SQL.format(what=what)
        raw = argparse.RawDescriptionHelpFormatter
        command = commands.add_parser(what, help=text, description=described, formatter_class=raw)
        command.add_argument(
            "secrets",
            nargs="*",
            action=_AllOrNone,
            metavar="SECRET",
            help=f"with DatabaseKind existing-proxy: the secrets of its owner for {', '.join(CLASSES)}, in this order",
        )
        if what == "grants":
            command.add_argument(
                "--portal-map", metavar="FILE", type=Path, help="the mapping that the layer was built with"
            )
        command.set_defaults(run=_apply)
    smoke.add_command(commands)
    doctor.add_command(commands)
    return parser


class _AllOrNone(argparse.Action):
    """One secret for each class of users, or none."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        assert isinstance(values, list)
        if len(values) not in (0, len(CLASSES)):
            parser.error(
                f"{len(values)} secrets are given: name {len(CLASSES)} ({', '.join(CLASSES)}), or none"
            )
        setattr(namespace, self.dest, values)


def _apply(given: argparse.Namespace) -> int:
    aws = Aws(given.region, given.profile)
    file = getattr(given, "portal_map", None)
    try:
        portal = read_document(file) if file else None
    except NoMapping as exc:
        raise Failed(str(exc)) from exc
    database.apply(given.command, stack_named(foundation_of(given.stack), aws), given.secrets, aws, portal)
    return 0


if __name__ == "__main__":
    sys.exit(main())
