"""Runs the model checker SPIN on refresh.pml: `spin` makes a C program of the model, which visits every state."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).with_name("refresh.pml")
PROGRAMS = {"spin": "spin", "cc": "gcc libc6-dev"}  # and their Debian packages
MEMORY_MB = 1024
TIMEOUT_S = 300
_DEPTH = 200_000
_NARRATED = re.compile(r"(request \d:|a tick|the |cleanup )")


@dataclass(frozen=True, slots=True)
class Search:
    """A finished search. violated: the name of the invariant that does not hold; steps: how that comes about."""

    states: int
    depth: int
    violated: str | None
    steps: tuple[str, ...]

    def __str__(self) -> str:
        if self.violated is None:
            return f"holds: {self.states} states, depth {self.depth}"
        return "\n  ".join([f"{self.violated} is violated:", *self.steps])


def missing() -> list[str]:
    """The Debian packages that this needs and the machine lacks."""
    return [package for program, package in PROGRAMS.items() if not shutil.which(program)]


def search(folder: Path, *, shortest: bool = False, **constants: int) -> Search:
    """Visits every state of the model with these constants, or up to the first violation.

    folder: where the program is built; shortest: breadth first, for the shortest counter-example, which takes more
    memory for each state. Raises RuntimeError where the search did not come to its end.
    """
    defines = [f"-D{name}={value}" for name, value in constants.items()]
    shutil.copy(MODEL, folder)
    _run(folder, ["spin", *defines, "-a", MODEL.name])
    order = "-DBFS" if shortest else "-DCOLLAPSE"
    # To optimise takes 1.5 s: more than a search takes, but for the millions of states of two requests at once.
    level = "-O0" if shortest or constants.get("REQUESTS") == 1 else "-O1"
    _run(folder, ["cc", "-w", level, "-DSAFETY", order, f"-DMEMLIM={MEMORY_MB}", "-o", "pan", "pan.c"])
    report = _run(folder, ["./pan", f"-m{_DEPTH}"])
    if not re.search(r"errors: [01]\b", report) or "max search depth too small" in report:
        raise RuntimeError(f"the search did not end: {report}")
    states = int(_found(r"(\d+) states, stored", report))
    depth = int(_found(r"depth reached (\d+)", report))
    if "errors: 0" in report:
        if "Search not completed" in report:
            raise RuntimeError(f"the search did not end: {report}")
        return Search(states, depth, None, ())
    replay = _run(folder, ["spin", *defines, "-t", "-T", MODEL.name])
    return Search(states, depth, _violated(replay), _told(replay))


def _run(folder: Path, command: list[str]) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    output = done.stdout + done.stderr
    if done.returncode and "assertion violated" not in output:
        raise RuntimeError(f"{command[0]} failed: {output}")
    return output


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"no {pattern} in: {text}")
    return match[1]


def _violated(replay: str) -> str:
    """The assertion's line in the model names the invariant."""
    line = int(_found(r"\.pml:(\d+), Error: assertion violated", replay))
    return _found(r"REQUIRE\((\w+)", MODEL.read_text("utf-8").splitlines()[line - 1])


def _told(replay: str) -> tuple[str, ...]:
    named = replay.replace("holder 0", "the owner").replace("holder 1", "the copy")
    lines = (line.strip() for line in named.splitlines())
    return tuple(line for line in lines if _NARRATED.match(line))
