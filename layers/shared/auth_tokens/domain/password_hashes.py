"""The parameters of a stored password hash, read from its head, and the cost of computing it.

Heads: `$2b$12$` (bcrypt), `$argon2id$v=19$m=19456,t=2,p=1` (PHC string format). Work is counted in KiB that Argon2
fills, about a microsecond each.
"""

import re
from dataclasses import dataclass

# A hash beyond these is not computed: about a second of a whole processor, and memory that the function has.
MAX_WORK = 1 << 20
MAX_MEMORY_KIB = 262_144
MAX_LANES = 8
_BCRYPT_COSTS = range(4, 15)
_BCRYPT_WORK = 57  # of cost 0; each further cost doubles it

_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$", re.ASCII)
_ARGON2 = re.compile(
    r"\$argon2(?:id|i|d)(?:\$v=(?:16|19))?\$m=([1-9]\d{0,6}),t=([1-9]\d{0,2}),p=([1-9]\d?)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class BcryptKind:
    """2^cost rounds; the same whatever the letter in the head."""

    cost: int

    @property
    def work(self) -> int:
        return _BCRYPT_WORK << self.cost

    @property
    def is_bounded(self) -> bool:
        return self.cost in _BCRYPT_COSTS


@dataclass(frozen=True, slots=True)
class Argon2Kind:
    """head: all that comes before the salt."""

    head: str
    memory_kib: int
    passes: int
    lanes: int

    @property
    def work(self) -> int:
        return self.memory_kib * self.passes

    @property
    def is_bounded(self) -> bool:
        is_possible = self.memory_kib >= 8 * self.lanes  # RFC 9106 §3.1
        return (
            is_possible
            and self.memory_kib <= MAX_MEMORY_KIB
            and self.lanes <= MAX_LANES
            and self.work <= MAX_WORK
        )


Kind = BcryptKind | Argon2Kind


def kind_of(stored: str) -> Kind | None:
    """The kind of a hash, or of its head alone; None for any other text."""
    if match := _BCRYPT.match(stored):
        return BcryptKind(int(match[1]))
    if match := _ARGON2.match(stored):
        return Argon2Kind(match[0], *(int(number) for number in match.groups()))
    return None
