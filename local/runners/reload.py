"""Hot reload: after a change of code, the warm environments that run it are dropped. The next call starts new ones."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from watchfiles import watch

from local.runners import Runner
from local.templates.functions import FunctionSpec


def affected(changed: Iterable[Path], specs: Mapping[str, FunctionSpec]) -> set[str]:
    """The functions with a changed file in their folder or one of their layers."""
    return {
        name
        for name, spec in specs.items()
        for path in changed
        if any(path.is_relative_to(folder) for folder in (spec.code, *spec.layers))
    }


class Reloader:
    """Watches the functions' folders and layers until stopped."""

    def __init__(self, specs: Mapping[str, FunctionSpec], runner: Runner) -> None:
        self._specs = specs
        self._runner = runner
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="reload")
        self._thread.start()

    def stop(self) -> None:
        """Returns after the last drop."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        folders = {folder for spec in self._specs.values() for folder in (spec.code, *spec.layers)}
        # Only sources count, and watchfiles leaves out caches by default: a run that writes __pycache__ must not
        # reload itself.
        for changes in watch(
            *folders, stop_event=self._stopping, step=50, rust_timeout=200, yield_on_timeout=False
        ):
            paths = [Path(path) for _, path in changes if path.endswith((".py", ".sql"))]
            for name in affected(paths, self._specs):
                self._runner.drop(name)
