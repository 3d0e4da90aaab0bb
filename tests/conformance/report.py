"""All rounds of all scenarios, and a table of what the server did."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.conformance.scenarios import Lab, Outcome, Round, Scenario, ServerFailed

# A kind of token at a server, and what it is tried by.
Trial = tuple[Lab, Sequence[Scenario]]
# Late rounds of a wave wait together; what they do around the wait they do a few at a time.
WORKERS = 4


@dataclass(slots=True)
class Result:
    """Of one scenario. failures: what the server answered where it should have decided, and how often."""

    scenario: Scenario
    lab: Lab
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def is_right(self) -> bool:
        return set(self.outcomes) <= self.scenario.right

    def note(self, outcome: Outcome | str) -> None:
        if isinstance(outcome, str):
            self.failures[outcome] += 1
            outcome = Outcome.ERROR
        self.outcomes[outcome] += 1


@dataclass(frozen=True, slots=True)
class Report:
    """What a server did. rounds: of each scenario; deferred: answers 429 that were asked again later; left_out: how
    many scenarios need a kind of token that the server does not have."""

    server: str
    rounds: int
    results: Sequence[Result]
    deferred: int
    left_out: int = 0

    @property
    def is_right(self) -> bool:
        return all(result.is_right for result in self.results)

    def markdown(self) -> str:
        """A table, readable on a terminal, too."""
        head = ["scenario", "rounds", "right", *(outcome.value for outcome in Outcome)]
        rows = [head, *(_row(result) for result in self.results)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        rows.insert(1, ["-" * width for width in widths])
        lines = [
            "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in rows
        ]
        failures = sum((result.failures for result in self.results), Counter[str]())
        notes = [f"- {count} × {text}" for text, count in failures.most_common()]
        if self.deferred:
            notes.append(f"- {self.deferred} answers 429, asked again after their Retry-After")
        if self.left_out:
            notes.append(f"- {self.left_out} scenarios of device tokens left out: this server has none")
        return "\n".join([*lines, *([""] if notes else []), *notes])


def run(trials: Sequence[Trial], rounds: int, wait: Callable[[], None], say: Callable[[str], None]) -> Report:
    """Every scenario so many rounds. wait: lets the retry window pass; say: hears of progress. Raises CannotSignIn."""
    results = [Result(scenario, lab) for lab, scenarios in trials for scenario in scenarios]
    for result in results:
        if not result.scenario.is_late:
            for _ in range(rounds):
                _wave([result], wait)
            say(_line(result))
    late = [result for result in results if result.scenario.is_late for _ in range(rounds)]
    labs = [lab for lab, _ in trials]
    side_by_side = min(lab.server.sessions for lab in labs)
    for first in range(0, len(late), side_by_side):
        _wave(late[first : first + side_by_side], wait)
    for result in results:
        if result.scenario.is_late:
            say(_line(result))
    return Report(labs[0].server.name, rounds, results, sum(lab.deferred for lab in labs))


def _wave(results: Sequence[Result], wait: Callable[[], None]) -> None:
    """A round for each of these, which wait together. Each is driven to its wait, then to its end."""
    playing = [result.scenario.play(result.lab) for result in results]
    with ThreadPoolExecutor(WORKERS) as pool:
        began = list(pool.map(_step, playing))
        if None in began:
            wait()
        for result, outcome in zip(results, pool.map(_finish, playing, began), strict=True):
            result.note(outcome)


def _step(playing: Round) -> Outcome | str | None:
    """On to the next wait (None) or the outcome; a text says how the server failed."""
    try:
        next(playing)
    except StopIteration as ended:
        outcome: Outcome = ended.value
        return outcome
    except ServerFailed as exc:
        return str(exc)
    return None


def _finish(playing: Round, began: Outcome | str | None) -> Outcome | str:
    outcome = began if began is not None else _step(playing)
    if outcome is None:
        raise AssertionError("a scenario waits once")
    return outcome


def _line(result: Result) -> str:
    return f"{result.scenario.name}: {', '.join(f'{n} {o.value}' for o, n in result.outcomes.items())}"


def _row(result: Result) -> list[str]:
    counts = (result.outcomes[outcome] for outcome in Outcome)
    verdict = "yes" if result.is_right else "NO"
    total = str(sum(result.outcomes.values()))
    return [result.scenario.name, total, verdict, *(str(count or "·") for count in counts)]
