"""What a person reads at the end of `make traffic`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auth_tokens.domain.analytics.findings import EVERYBODY
from local.seed import PASSWORD, USERS
from local.traffic.detection import Found, Judgement
from local.traffic.planting import Plant
from local.traffic.population import Tally
from tokens_command.output import printable

NARROW = 100
# Below it columns would break the names of rules and errors.
WITHOUT_COLUMNS = 60
_STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan", "alarm": "magenta"}
_BAD = "bold red"
_OPERATOR = next(user for user in USERS if "admin" in user.labels)


class Report:
    """names: user name by user id."""

    def __init__(self, to: Console, names: Mapping[str, str]) -> None:
        self._to = to
        self._names = names

    def answers(self, tally: Tally) -> None:
        """The counted answers, by who asked and what."""
        if self._to.width < WITHOUT_COLUMNS:
            for (who, what, answer), times in sorted(tally.counts.items()):
                self._say(f"{who}: {what}, {answer}: {times}")
            return
        table = _table("who", "asked", "answer")
        table.add_column("times", justify="right")
        for (who, what, answer), times in sorted(tally.counts.items()):
            table.add_row(*map(Text, (who, what, answer, str(times))))
        self._to.print(table)

    def judgement(self, judged: Judgement) -> None:
        """Each planted attack with what was found of it."""
        rows = [row for plant, found in judged.answers for row in self._rows(plant, found)]
        if self._to.width < WITHOUT_COLUMNS:
            for name, found in map(_stacked, rows):
                self._to.print(name, Padding(found, (0, 0, 0, 4)))
        else:
            self._to.print(_table_of(rows, is_narrow=self._to.width < NARROW))
        for each in judged.false:
            self._say(f"FALSE: {each.rule} about {self._subject(each)}: {each.sentence}", _BAD)
        for each in judged.others:
            self._say(f"Of nobody of this run: {each.severity} {each.rule}, {self._subject(each)}", "dim")

    def verdict(self, judged: Judgement, calm: int) -> None:
        made = [plant for plant, _ in judged.answers if plant.attack.expected and not plant.why_not]
        missed = ", ".join(plant.attack.name for plant in judged.missed)
        found = len(made) - len(judged.missed)
        self._say(f"{found} of {len(made)} planted attacks were found.", _BAD if missed else "bold green")
        if missed:
            self._say(f"NOT FOUND: {missed}", _BAD)
        style = _BAD if judged.false else "bold green"
        self._say(f"{len(judged.false) or 'Nothing'} was found about the {calm} calm people.", style)

    def way_on(self, base_url: str) -> None:
        self._say(f"See them: {base_url}/pages/security", "bold")
        self._say(f"Sign in as {_OPERATOR.username}, password: {PASSWORD}")

    def _rows(self, plant: Plant, found: Sequence[Found]) -> Iterator[tuple[Text, ...]]:
        name, expected = Text(plant.attack.name), plant.attack.expected
        if plant.why_not:
            yield name, Text("-"), Text(expected), Text(""), Text(f"not planted: {plant.why_not}", "yellow")
        elif not expected:
            yield (
                name,
                Text("-"),
                Text(""),
                Text(""),
                Text("refused by its tag before the database; no event, on purpose"),
            )
        elif not found:
            yield name, Text("-"), Text(expected, _BAD), Text(""), Text("NOT FOUND", _BAD)
        for each in found:
            earlier = " (reported earlier this hour)" if each.is_earlier else ""
            severity = Text(each.severity, _STYLES.get(each.severity, ""))
            yield (
                name,
                severity,
                Text(each.rule),
                Text(self._subject(each)),
                Text(printable(each.sentence + earlier)),
            )

    def _subject(self, found: Found) -> str:
        """Whom or what it is about: a user's name where there is one, a network by the beginning of its hash."""
        if found.subject == EVERYBODY:
            return "everybody"
        names = [self._names.get(user, user) for user in found.users]
        return printable(names[0] if len(names) == 1 else f"network {found.subject[:8]}…")

    def _say(self, sentence: str, style: str = "") -> None:
        self._to.print(Text(printable(sentence), style))


def _table_of(rows: Sequence[tuple[Text, ...]], *, is_narrow: bool) -> Table:
    titles = ("planted", "found") if is_narrow else ("planted", "severity", "rule", "about", "found")
    table = _table(*titles)
    for row in rows:
        table.add_row(*(_stacked(row) if is_narrow else row))
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _stacked(row: tuple[Text, ...]) -> tuple[Text, Text]:
    """A row for a narrow window: what was planted, and the rest below each other."""
    name, severity, rule, about, sentence = row
    lines = [Text(" ").join(part for part in (severity, rule) if part.plain), about, sentence]
    return name, Text("\n").join(line for line in lines if line.plain)
