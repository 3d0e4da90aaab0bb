"""Changed code reaches exactly the functions that run it."""

import threading
from pathlib import Path
from typing import Any

from local.runners.reload import Reloader, affected
from local.templates.functions import FunctionSpec


def specs(folder: Path) -> dict[str, FunctionSpec]:
    for name in ("one", "two", "layer"):
        (folder / name).mkdir()
    layer = (folder / "layer",)
    return {
        "One": FunctionSpec("One", folder / "one", "app.handler", 3, 128, {}, layer),
        "Two": FunctionSpec("Two", folder / "two", "app.handler", 3, 128, {}, layer),
    }


def test_a_functions_own_file_concerns_it_alone(tmp_path: Path) -> None:
    assert affected([tmp_path / "one" / "app.py"], specs(tmp_path)) == {"One"}


def test_a_file_of_the_layer_concerns_all(tmp_path: Path) -> None:
    assert affected([tmp_path / "layer" / "x" / "y.py"], specs(tmp_path)) == {"One", "Two"}


def test_any_other_file_concerns_none(tmp_path: Path) -> None:
    assert affected([tmp_path / "README.md", tmp_path / "one_more" / "app.py"], specs(tmp_path)) == set()


def test_a_change_on_disk_drops_the_function(tmp_path: Path) -> None:
    dropped: list[str | None] = []
    seen = threading.Event()

    class Recording:
        def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any: ...

        def drop(self, function: str | None = None) -> None:
            dropped.append(function)
            seen.set()

        def close(self) -> None: ...

    reloader = Reloader(specs(tmp_path), Recording())
    # The watch begins a moment after the thread does, and tells nobody when.
    for attempt in range(100):
        (tmp_path / "one" / "app.py").write_text(f"# {attempt}\n")
        if seen.wait(0.2):
            break
    reloader.stop()

    assert set(dropped) == {"One"}
