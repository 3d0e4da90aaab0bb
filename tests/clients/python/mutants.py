"""Clients that break one of the eight rules each, for the simulation to find. `python -m tests.clients.python.mutants`
prints the table."""

import dataclasses
import math
import secrets
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from auth_user_tokens import keeper, refresher, rules, wire
from auth_user_tokens.records import Tokens
from auth_user_tokens.steps import Steps
from tests.clients.python import simulation
from tests.clients.python.simulation import Figures, Misfortunes, Plan, World

Patch = pytest.MonkeyPatch
USUAL = Plan(think_s=25)
ICY = Plan(think_s=25, misfortunes=Misfortunes(frozen=0.03))


@dataclass(frozen=True)
class Mutant:
    """breaks: what it does to the package; plan: the misfortune in which it shows."""

    name: str
    rule: str
    breaks: Callable[[Patch], None]
    plan: Plan = field(default=USUAL)


def play(mutant: Mutant, seed: int) -> Figures:
    with Patch.context() as patch:
        mutant.breaks(patch)
        return World(seed, mutant.plan).play()


def nothing(_: Patch) -> None:
    """All rules on."""


def no_key(patch: Patch) -> None:
    original = wire.Endpoints._form
    patch.setattr(
        wire.Endpoints, "_form", lambda self, path, form, retry_key=None: original(self, path, form)
    )


def new_key_for_each_try(patch: Patch) -> None:
    patch.setattr(Tokens, "retry_key", property(lambda self: secrets.token_hex(8)))


def key_of_each_process(patch: Patch) -> None:
    """Random, kept beside the token in a variable, as the text of a guide may be read that knows one process."""
    kept: dict[tuple[int, str], str] = {}

    def ask(self: Any, request: wire.Request, *others: Any) -> Steps[Any]:
        key = kept.setdefault((id(self), request.headers["Idempotency-Key"]), secrets.token_hex(8))
        headers = {**request.headers, "Idempotency-Key": key}
        return original(self, dataclasses.replace(request, headers=headers), *others)

    original = refresher.Asking.ask
    patch.setattr(refresher.Asking, "ask", ask)


def token_in_a_variable(patch: Patch) -> None:
    """Reads the store once for all tries of a refresh."""
    original = keeper.Keeper.load

    def load(self: Any) -> Steps[keeper.Loaded]:
        if simulation_failures(self) and self._kept is not None:
            return dataclasses.replace(self._kept, read_at=self._clock.now())
        self._kept = yield from original(self)
        return self._kept

    patch.setattr(keeper.Keeper, "load", load)
    patch.setattr(keeper.Keeper, "_kept", None, raising=False)


def simulation_failures(of: Any) -> int:
    process = of._clock
    failures: int = process.session._refresher._outage._failures
    return failures


def saved_without_a_look(patch: Patch) -> None:
    original = World.__init__

    def init(self: World, *arguments: Any) -> None:
        original(self, *arguments)
        self.blind_swaps = True

    patch.setattr(World, "__init__", init)


def no_minimum_age(patch: Patch) -> None:
    patch.setattr(rules, "may_force", lambda age_s, life_s: True)


def late_answers_count(patch: Patch) -> None:
    patch.setattr(rules, "is_too_late", lambda took_s, timeout_s: False)


def sent_after_a_freeze(patch: Patch) -> None:
    patch.setattr(rules, "is_read_too_long_ago", lambda age_s: False)
    patch.setattr(simulation, "check", lambda send, clock: None)


def ends_by_any_refusal(patch: Patch) -> None:
    patch.setattr(rules, "ends_session", lambda status, code: status >= 400)


def spends_what_was_not_saved(patch: Patch) -> None:
    original = keeper.Keeper._see

    def see(self: Any, *arguments: Any) -> keeper.Loaded:
        return dataclasses.replace(original(self, *arguments), is_unsaved=False)

    patch.setattr(keeper.Keeper, "_see", see)


def believes_the_wall_clock(patch: Patch) -> None:
    def age_s(self: Any, tokens: Tokens) -> float:
        return max(0.0, float(self._clock.now().wall - tokens.obtained_at))

    patch.setattr(keeper.Keeper, "age_s", age_s)
    believes_any_clock(patch)


def believes_any_clock(patch: Patch) -> None:
    patch.setattr(rules, "SAME_CLOCK_S", math.inf)


ALL_RULES = Mutant("all rules", "", nothing)
# Rule 5 alone ends nothing here: whatever a late answer brings is saved by compare-and-set (rule 3) or not at all. It
# is the second line, and has tests of its own.
LATE = Mutant("answers accepted after a sleep", "R5", late_answers_count, ICY)
MUTANTS = (
    Mutant("no Idempotency-Key", "R1", no_key),
    Mutant("a new random key for each try", "R1", new_key_for_each_try),
    Mutant("a random key of each process", "R1", key_of_each_process),
    Mutant("token kept in a variable across retries", "R2", token_in_a_variable),
    Mutant(
        "no check for a freeze between read and send",
        "R2",
        sent_after_a_freeze,
        dataclasses.replace(USUAL, read_s=5),
    ),
    Mutant("successor saved without compare-and-set", "R3", saved_without_a_look, ICY),
    Mutant(
        "no minimum age before a forced refresh",
        "R4",
        no_minimum_age,
        Plan(think_s=5, misfortunes=Misfortunes(api_refuses=0.2, delayed=0.3)),
    ),
    Mutant(
        "age by the wall clock alone",
        "R4",
        believes_the_wall_clock,
        Plan(think_s=5, misfortunes=Misfortunes(own_clocks=True, delayed=0.5, jumps=20)),
    ),
    Mutant(
        "tokens that another clock dated are spent at once",
        "R4",
        believes_any_clock,
        Plan(think_s=10, misfortunes=Misfortunes(own_clocks=True, delayed=0.5, jumps=20)),
    ),
    Mutant("any refusal ends the session", "R6", ends_by_any_refusal),
    Mutant(
        "spends a successor that could not be saved",
        "R7",
        spends_what_was_not_saved,
        dataclasses.replace(USUAL, misfortunes=Misfortunes(write_fails=0.3)),
    ),
    Mutant(
        "token requests replayed by a queue",
        "R8",
        nothing,
        dataclasses.replace(USUAL, misfortunes=Misfortunes(replays=0.01)),
    ),
)


def main(runs: int) -> None:
    print("| Rule | Client | Sessions ended | Rotations | Repeats |", "|---|---|---|---|---|", sep="\n")
    for mutant in (ALL_RULES, LATE, *MUTANTS):
        ended, total = 0, Counter[str]()
        for seed in range(runs):
            figures = play(mutant, seed)
            ended += bool(figures.ended or figures.signed_out)
            total.update(dataclasses.asdict(figures))
        row = (mutant.rule, mutant.name, f"{ended} of {runs}", total["rotations"], total["repeats"])
        print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1000)
