"""`make traffic`: calm people and planted attacks at the running local service, and what it found of them.

On Linux each client has an address of its own in 127.0.0.0/8; each sends a place as CloudFront does. A seeded random
generator chooses what each of them does.
"""

from __future__ import annotations

import argparse
import http.client
import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from local.client import Client
from local.running import NotFound, find_service
from local.terminal import console
from local.traffic.detection import ANALYSIS_S, Judgement, Operator, judge
from local.traffic.people import person
from local.traffic.planting import Plant, plants, users_needed
from local.traffic.population import CannotReach, Population, populate
from local.traffic.report import Report
from local.traffic.turns import Turns

MOST_PEOPLE = 500
MOST_SECONDS = 3600
# How much longer an attack may take than the run. The thief who waits for the retry window to end needs most.
GRACE_S = 75

Tick = Callable[[float], None]


class Traffic:
    """One run against the service at base_url."""

    def __init__(self, base_url: str, people: int, seed: int) -> None:
        """Raises CannotReach."""
        self.began_at = int(time.time())
        self.operator = Operator(Client(base_url, timeout_s=ANALYSIS_S))
        usual = self.operator.usual_hour(self.began_at)
        self.everybody = populate(base_url, people + users_needed(usual), seed)
        names = self.everybody.usernames
        self.people: Population = self.everybody.part(names[:people], "people")
        self.plants: list[Plant] = plants(self.everybody, names[people:], usual)

    def run(self, duration_s: float, tick: Tick = lambda _: None) -> None:
        """People for as long as it says, and each attack once, spread over the first half; longer where an attack takes
        longer. tick: called with the seconds since the start. Raises OSError and HTTPException as the service ends."""
        turns, started = Turns(), time.monotonic()
        for name in self.people.usernames:
            pace = self.people.part([name], "people")
            turns.add(person(pace, name), pace.chance.uniform(0, duration_s / 3))
        for number, plant in enumerate(self.plants):
            turns.add(plant.steps(), duration_s / 2 * number / len(self.plants))

        def is_over() -> bool:
            gone = time.monotonic() - started
            return gone > duration_s and (
                gone > duration_s + GRACE_S or all(plant.is_over for plant in self.plants)
            )

        turns.run(is_over, lambda: tick(time.monotonic() - started))

    def judged(self) -> Judgement:
        """What the service found of it. Raises CannotReach."""
        self.operator.analyse()
        found = self.operator.found_since(self.began_at) + self.operator.alarms_since(self.began_at)
        return judge(self.plants, found, set(self.people.user_ids.values()))


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line: what is wrong, and what would be right."""
        self.exit(2, f"make traffic: {message}\n")


def main(arguments: Sequence[str]) -> int:
    """Returns 0 if each planted attack was found and no calm person, 1 if not, if the service cannot be reached, or if
    it failed (500); 2 for wrong arguments. Raises KeyboardInterrupt, and has printed before what there is so far."""
    wanted = _parsed(arguments)
    try:
        base_url = find_service()
    except (NotFound, ValueError) as exc:
        return _stop(str(exc))
    try:
        return _show(Traffic(base_url, wanted.users, wanted.seed), wanted.seconds)
    except CannotReach as exc:
        return _stop(str(exc))
    except (OSError, http.client.HTTPException) as exc:
        return _stop(f"{base_url} does not answer any more: {exc}")


def _show(traffic: Traffic, duration_s: float) -> int:
    """Runs it, and prints what came of it; also of a run that was interrupted."""
    out, population = console(), traffic.everybody
    report = Report(out, {user_id: name for name, user_id in population.user_ids.items()})
    is_whole = _run(traffic, duration_s, out)
    report.answers(population.tally)
    judged = traffic.judged()
    report.judgement(judged)
    report.verdict(judged, len(traffic.people.usernames))
    report.way_on(population.base_url)
    if not is_whole:
        raise KeyboardInterrupt
    has_failed = any(answer.startswith("500") for _, _, answer in population.tally.counts)
    return int(bool(judged.missed or judged.false) or has_failed)


def _stop(why: str) -> int:
    print(f"make traffic: {why}", file=sys.stderr)
    return 1


def _run(traffic: Traffic, duration_s: float, out: Console) -> bool:
    """Runs it under a bar; False where it was interrupted."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=out, disable=not out.is_terminal) as progress:
            bar = progress.add_task("traffic", total=duration_s)
            traffic.run(duration_s, lambda gone: progress.update(bar, completed=gone))
    except KeyboardInterrupt:
        return False
    return True


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Arguments(prog="make traffic", description=__doc__)
    parser.add_argument("--seconds", type=_seconds, default=60.0)
    parser.add_argument("--users", type=_people, default=40)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"seconds from 1 to {MOST_SECONDS}, not {text!r}")
    return seconds


def _people(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PEOPLE:
        raise argparse.ArgumentTypeError(f"a whole number of people from 1 to {MOST_PEOPLE}, not {text!r}")
    return int(text)
