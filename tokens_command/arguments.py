"""Arguments: what each may be, where it comes from, and the refusal of what it is not."""

from __future__ import annotations

import contextlib
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from tokens_command.problems import Exit, Problem
from tokens_command.service import NotThere
from tokens_command.tokens import is_token

# With hyphens as lists show it, or without as SQL's HEX() does.
_UUID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_SOURCE = re.compile(r"[0-9a-f]{32}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kind:
    """title: what an argument must name; helps: what is wanted, and the command that lists or finds it, a sentence."""

    title: str
    helps: str

    def given(self, text: str) -> str:
        """Without the spaces around it. Raises Problem for nothing, as of a variable of a shell that is not set."""
        if not text.strip():
            raise Problem(f"The {self.title} is empty. {self.helps}")
        return text.strip()

    def refusal(self, text: str, code: Exit = Exit.REFUSED) -> Problem:
        """A token is not repeated: terminals and logs keep what they are shown."""
        named = "A token" if is_token(text) else text
        return Problem(f"{named} is no {self.title} here. {self.helps}", code)

    def id_of(self, text: str) -> str:
        """A UUID in the spelling of lists. Raises Problem."""
        wanted = uuid_in(self.given(text))
        if wanted is None:
            raise self.refusal(text.strip())
        return wanted

    @contextlib.contextmanager
    def there(self, text: str) -> Iterator[None]:
        """The service knows it, or Problem is raised."""
        try:
            yield
        except NotThere as exc:
            raise self.refusal(text, Exit.NO) from exc


ANYTHING = Kind(
    "user, session or device",
    "A name, an id or a token is wanted; `tokens finding`, `tokens events` and `tokens keys` have the other ids."
    " Names are compared without case; rows that ended are kept for CLEANUP_RETENTION_S, their events for"
    " EVENT_RETENTION_S (`tokens events --session`).",
)
USER = Kind(
    "user name or id",
    "Names are compared without case; `tokens whois` says whose a session, a device or a token is.",
)
SESSION_OR_DEVICE = Kind(
    "session or device",
    "Its id is wanted, or a token: `tokens sessions` lists those of a user, `tokens revoke` ends all of them.",
)
SESSION = Kind(
    "session's id", "`tokens sessions` lists those of a user, `tokens whois` says what else an id may be of."
)
SOURCE = Kind("source", "32 hexadecimal digits are wanted, as `tokens events` shows them.")
FINDING = Kind("finding", "Its id is wanted: `tokens findings --state all` lists them.")
EVENT = Kind("event", "Its id is wanted: `tokens events` lists them.")
KEY = Kind("key", "`tokens keys --all` lists those that there are.")
TOKEN = Kind("token", "An access token is a JWT, the others begin with aut_.")


def uuid_in(text: str) -> str | None:
    """A UUID in the spelling of lists; None for what is none."""
    return str(uuid.UUID(text)) if _UUID.fullmatch(text) else None


def source_in(text: str) -> str:
    """What stands for a network in events. Raises Problem."""
    source = SOURCE.given(text)
    if not _SOURCE.fullmatch(source):
        raise SOURCE.refusal(source)
    return source


def text_of(argument: str, kind: Kind) -> str:
    """The argument itself; of `-` the first line of standard input, which leaves it out of the shell's history. Raises
    Problem for an empty one."""
    if argument != "-":
        return kind.given(argument)
    line = sys.stdin.readline().strip()
    if not line:
        raise Problem(f"Standard input is empty. {kind.helps}")
    return line
