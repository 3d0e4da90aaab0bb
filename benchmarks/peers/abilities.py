"""What a server does with refresh tokens, seen from outside: rotation, reuse, and eight clients with one token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.conformance.servers import Server
from tests.conformance.wire import Answer, sent_together

TITLES = (
    "server",
    "a refresh",
    "a spent token again",
    "the session then",
    "8 at once: answered",
    "usable successors",
)
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Abilities:
    """rotates: the next token is another; refuses: a token two generations old; ends: its session with it;
    answered, usable: of AT_ONCE simultaneous uses of one token, in each trial."""

    rotates: bool
    refuses: bool
    ends: bool
    answered: Counter[int]
    usable: Counter[int]

    def line(self, name: str) -> Sequence[object]:
        """For a table."""
        return (
            name,
            "rotates" if self.rotates else "keeps the token",
            ("refused" if self.refuses else "honoured") if self.rotates else "–",
            ("ended" if self.ends else "**goes on**") if self.rotates else "–",
            _counts(self.answered),
            _counts(self.usable),
        )


def observed(server: Server, trials: int) -> Abilities:
    """Raises CannotSignIn."""
    first = server.sign_in().token
    second = _spent(server, first) or ""
    third = _spent(server, second) or ""
    refuses = _spent(server, first) is None
    ends = _spent(server, third) is None
    raced = [_race(server) for _ in range(trials)]
    answered, usable = (Counter(counts) for counts in zip(*raced, strict=True))
    return Abilities(second != first, refuses, ends, answered, usable)


def _race(server: Server) -> tuple[int, int]:
    """How many were answered, and how many of the different tokens that they got are good."""
    token = server.sign_in().token
    answers = sent_together([server.spend(token, None) for _ in range(AT_ONCE)])
    held = [_held(server, answer, token) for answer in answers]
    different = list(dict.fromkeys(one for one in held if one))
    return len([one for one in held if one]), len([one for one in different if _spent(server, one)])


def _spent(server: Server, token: str) -> str | None:
    """The token of the answer, if it has one."""
    request = server.spend(token, None)
    request.connect()
    return _held(server, request.send(), token)


def _held(server: Server, answer: Answer, shown: str) -> str | None:
    is_answer = answer.status == 200 and "access_token" in answer.body
    return server.held(answer.body, shown).token if is_answer else None


def _counts(counts: Counter[int]) -> str:
    def ranges() -> Iterator[str]:
        for value, times in sorted(counts.items()):
            yield str(value) if len(counts) == 1 else f"{value} ({times} ×)"

    return ", ".join(ranges())
