"""A process with a share of the environments, which share its connection, as they do behind RDS Proxy."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection

from auth_tokens.adapters.mysql.revocations import MySqlRevocationLog
from auth_tokens.settings import Settings
from benchmarks import bench
from benchmarks.fleet.environments import Fleet, Sample


class Child:
    """Commands go to it, and results come back."""

    def __init__(self, settings: Settings, environments: int, interval_s: float) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._here, there = spawn.Pipe()
        arguments = (there, settings, environments, interval_s)
        self._process = spawn.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        self._here.recv()

    def run(self, seconds: float) -> None:
        """Returns at once."""
        self._here.send(seconds)

    def wait(self) -> None:
        """For the end of `run`."""
        self._here.recv()

    def finish(self, written: int) -> Sample:
        self._here.send(written)
        sample: Sample = self._here.recv()
        self._process.join()
        return sample


def _work(there: Connection, settings: Settings, environments: int, interval_s: float) -> None:
    source = MySqlRevocationLog(bench.parts(settings).database)
    fleet = Fleet([source] * environments, interval_s)
    fleet.start()
    there.send("ready")
    fleet.run(there.recv())
    there.send("ran")
    there.send(fleet.finish(there.recv()))
