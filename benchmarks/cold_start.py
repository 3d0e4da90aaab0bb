"""What each packaged function's start costs: from the start of its process until it asks for its first event.

CPU time is what a busy machine blurs least, and what Lambda gives by memory: below 1769 MB less than one core.
Rounds go through all functions in turn, so that a busy minute meets them all.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from local.package import runtime_python
from local.packaged import Packaged, host_arch
from local.runners import FunctionError
from local.runners.lambda_runner import LambdaRunner
from local.templates.functions import FunctionSpec, function_specs
from local.templates.stacks import PRODUCT

# Nothing listens there: a function that looks at its database finds out at once, after its init.
OVERRIDES = {
    "DB_HOST": "127.0.0.1",
    "DB_PORT": "1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "KMS_KEY_ID": "x",
}
PARAMETERS = {"Issuer": "https://tokens.test", "DbHost": "127.0.0.1", "DbResourceId": "prx-0123456789abcdef0"}
EMPTY = "(runtime client alone)"
BOTO3 = "(with a KMS client)"
_HANDLER = "def handler(event, context):\n    return {}\n"
_HANDLERS = {
    EMPTY: _HANDLER,
    BOTO3: f"import boto3\nboto3.client('kms', region_name='eu-west-1')\n\n{_HANDLER}",
}


def main() -> int:
    """Prints a table in Markdown, with and without the package's bytecode."""
    arguments = argparse.ArgumentParser(prog="benchmarks.cold_start")
    arguments.add_argument("--rounds", type=int, default=11)
    rounds = arguments.parse_args().rounds
    with packaged(with_bytecode=True) as built, packaged(with_bytecode=False) as plain:
        built_ms: dict[str, list[float]] = {name: [] for name in built}
        plain_ms: dict[str, list[float]] = {name: [] for name in built}
        for _ in range(rounds):
            for name in built:
                built_ms[name].append(start_cpu_ms(built[name]))
                plain_ms[name].append(start_cpu_ms(plain[name]))
    print(f"Python {runtime_python()}, {host_arch()}, {rounds} rounds; median (least) CPU ms\n")
    print("| function | as built | without bytecode |\n|---|---|---|")
    for name in sorted(built, key=lambda name: statistics.median(built_ms[name])):
        print(f"| {name} | {_figures(built_ms[name])} | {_figures(plain_ms[name])} |")
    return 0


@contextlib.contextmanager
def packaged(*, with_bytecode: bool) -> Iterator[dict[str, FunctionSpec]]:
    """The functions from their artifacts, and for comparison two that are not ours."""
    with tempfile.TemporaryDirectory(prefix="aut-") as folder:
        place = Packaged(Path(folder))
        specs = {n: place(s) for n, s in function_specs(PRODUCT, PARAMETERS, OVERRIDES).items()}
        some = next(iter(specs.values()))
        for name, source in _HANDLERS.items():
            code = Path(folder) / name
            code.mkdir()
            (code / "app.py").write_text(source)
            specs[name] = replace(some, name=name, code=code)
        if not with_bytecode:
            for cache in list(Path(folder).rglob("__pycache__")):
                shutil.rmtree(cache)
        yield specs


def start_cpu_ms(spec: FunctionSpec) -> float:
    """Of one process in its whole life, which is its start and one event that it refuses."""
    before = _children_cpu_ms()
    with tempfile.TemporaryDirectory() as logs:
        runner = LambdaRunner({spec.name: spec}, log_dir=Path(logs))
        try:
            with contextlib.suppress(FunctionError):
                runner.invoke(spec.name, {})
        finally:
            runner.close()
    return _children_cpu_ms() - before


def _children_cpu_ms() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def _figures(cpu_ms: list[float]) -> str:
    return f"{statistics.median(cpu_ms):.0f} ({min(cpu_ms):.0f})"


if __name__ == "__main__":
    sys.exit(main())
