"""The subcommands together, and each failure as one sentence with its exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from deploy.aws import Failed
from tokens_command import checks, decoding, everything, judging, keys, people, upkeep
from tokens_command.connection import Place, with_options
from tokens_command.output import printable
from tokens_command.problems import Exit, Problem

_EXIT_CODES = """\b
Exit codes:
  0  done
  1  the answer is no: not found, or what was looked at is not well
  2  an argument is wrong; nothing changed
  3  the service or AWS gave no usable answer
  4  no credentials, or they have no right to it
  5  not confirmed; nothing changed"""


@click.group(
    epilog=_EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.pass_context
@with_options
def cli(context: click.Context, **given: Any) -> None:
    """Sessions, findings, keys and upkeep of auth-user-tokens, by signed calls."""
    context.obj = Place(**given)


for _command in (
    *(people.whois, people.sessions, people.end, people.revoke),
    *(everything.revoke_before, everything.after_restore),
    *(judging.findings, judging.finding, judging.ack, judging.close, judging.reopen, judging.events),
    *(keys.keys, keys.rotate, keys.withdraw),
    *(upkeep.debt, upkeep.cleanup, upkeep.replay, upkeep.skip, upkeep.recount, upkeep.dlq),
    *(checks.doctor, checks.smoke, decoding.decode),
):
    cli.add_command(_command)


def run(given: Sequence[str]) -> int:
    """The exit code. given: the arguments, without the program's name."""
    try:
        code = cli.main(list(given), prog_name="tokens", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as exc:
        exc.show()
        return Exit.REFUSED
    except click.UsageError as exc:
        return _failed(f"{exc.format_message()} {_help(exc)}", Exit.REFUSED, given)
    except Problem as exc:
        return _failed(str(exc), exc.code, given)
    except Failed as exc:
        return _failed(str(exc), Exit.UNREACHABLE, given)
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except SystemExit as exc:
        # 1 is click's and rich's for a reader who went away, 2 that of `python -m deploy`.
        return Exit.UNREAD if exc.code == 1 else Exit.REFUSED
    return code if isinstance(code, int) else Exit.DONE


def _help(exc: click.UsageError) -> str:
    return f"`{exc.ctx.command_path} --help` says more." if exc.ctx else ""


def _failed(sentence: str, code: Exit, given: Sequence[str]) -> int:
    """On standard error; as JSON where JSON was asked for."""
    text = (
        json.dumps({"error": sentence, "exit": int(code)})
        if "--json" in given
        else f"tokens: {printable(sentence)}"
    )
    sys.stderr.write(f"{text}\n")
    return int(code)
