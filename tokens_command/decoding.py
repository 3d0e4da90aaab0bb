"""`decode`: what is in a token, without the service."""

from __future__ import annotations

import click

from tokens_command.arguments import TOKEN, text_of
from tokens_command.connection import Session, placed
from tokens_command.problems import Problem
from tokens_command.tokens import NoToken
from tokens_command.tokens import decode as decoded


@click.command()
@click.argument("token", metavar="TOKEN")
@placed
def decode(session: Session, token: str) -> None:
    """What is in a token, offline. Nothing is verified.

    `-` reads it from standard input, which leaves it out of the shell's history.
    """
    try:
        view = decoded(text_of(token, TOKEN)).view
    except NoToken as exc:
        raise Problem(str(exc)) from exc
    out = session.out
    out.document(view)
    for part in (view.get("header", {}), view.get("claims", view)):
        out.facts(part, {member: member for member in part})
    out.say("Not verified: POST /auth/introspect says whether a token is good.", "yellow")
