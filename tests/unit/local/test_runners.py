"""Both runners keep one contract: what a function answers, and how it fails, is what Lambda would say."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.environment import FunctionSpec
from local.runners import FunctionError, Runner
from local.runners.inprocess import InProcessRunner
from local.runners.runtime_api import LambdaRunner

Make = Callable[..., Runner]

ECHO = """
def handler(event, context):
    return {"event": event, "left": context.get_remaining_time_in_millis(), "name": context.function_name}
"""


def spec(folder: Path, code: str, timeout_s: int = 5, **environment: str) -> dict[str, FunctionSpec]:
    (folder / "app.py").write_text(code)
    return {"F": FunctionSpec("F", folder, "app.handler", timeout_s, 128, environment, ())}


@pytest.fixture(params=["in process", "lambda runtime"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes a runner of each kind, and ends it."""
    made: list[Runner] = []

    def runner(specs: dict[str, FunctionSpec], **options: Any) -> Runner:
        chosen = InProcessRunner(specs) if request.param == "in process" else LambdaRunner(specs, **options)
        made.append(chosen)
        return chosen

    yield runner
    for each in made:
        each.close()


def test_an_event_goes_in_and_a_result_comes_out(make: Make, tmp_path: Path) -> None:
    result = make(spec(tmp_path, ECHO)).invoke("F", {"text": "ä€😀\u0000", "n": 1.5, "none": None})

    assert result["event"] == {"text": "ä€😀\u0000", "n": 1.5, "none": None}
    assert 0 < result["left"] <= 5000


def test_an_event_of_a_megabyte_passes(make: Make, tmp_path: Path) -> None:
    event = {"data": "x" * 1_000_000}

    assert make(spec(tmp_path, ECHO)).invoke("F", event)["event"] == event


def test_an_exception_is_told_with_type_message_and_stack(make: Make, tmp_path: Path) -> None:
    code = "class Odd(Exception): pass\ndef handler(event, context):\n    raise Odd('no')\n"

    with pytest.raises(FunctionError) as failure:
        make(spec(tmp_path, code)).invoke("F", {})

    assert (failure.value.error_type, failure.value.error_message) == ("Odd", "no")
    assert failure.value.payload["stackTrace"]


def test_a_result_that_is_no_json_is_an_error(make: Make, tmp_path: Path) -> None:
    code = "def handler(event, context):\n    return object()\n"

    with pytest.raises(FunctionError) as failure:
        make(spec(tmp_path, code)).invoke("F", {})

    assert failure.value.error_type == "Runtime.MarshalError"


def test_a_module_that_cannot_be_imported_is_an_error_each_time(make: Make, tmp_path: Path) -> None:
    runner = make(spec(tmp_path, "import nothing_of_this_name\n"))

    for _ in range(2):
        with pytest.raises(FunctionError, match="nothing_of_this_name"):
            runner.invoke("F", {})


def test_a_process_that_cannot_be_started_is_an_error_of_the_function(
    lambda_runner: Callable[..., LambdaRunner], tmp_path: Path
) -> None:
    [working] = spec(tmp_path, ECHO).values()
    runner = lambda_runner({"F": replace(working, python=str(tmp_path / "absent"))})

    with pytest.raises(FunctionError, match=r"Runtime\.StartError.*absent"):
        runner.invoke("F", {})


def test_a_warm_environment_keeps_its_state_and_a_dropped_one_does_not(make: Make, tmp_path: Path) -> None:
    code = "COUNT = []\ndef handler(event, context):\n    COUNT.append(1)\n    return len(COUNT)\n"
    runner = make(spec(tmp_path, code), max_environments=1)

    warm = [runner.invoke("F", {}) for _ in range(3)]
    runner.drop("F")

    assert warm == [1, 2, 3]
    assert runner.invoke("F", {}) == 1


def test_a_function_sees_its_own_variables_when_it_is_imported(make: Make, tmp_path: Path) -> None:
    code = "import os\nSEEN = os.environ.get('MINE')\ndef handler(event, context):\n    return SEEN\n"

    assert make(spec(tmp_path, code, MINE="yes")).invoke("F", {}) == "yes"


def test_changed_code_runs_after_a_drop(make: Make, tmp_path: Path) -> None:
    runner = make(spec(tmp_path, "def handler(event, context):\n    return 'old'\n"))
    assert runner.invoke("F", {}) == "old"
    # Python takes a source of the same size and second for unchanged.
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return 'newer'\n")

    runner.drop("F")

    assert runner.invoke("F", {}) == "newer"


@pytest.fixture
def lambda_runner() -> Iterator[Callable[..., LambdaRunner]]:
    made: list[LambdaRunner] = []

    def runner(specs: dict[str, FunctionSpec], **options: Any) -> LambdaRunner:
        made.append(LambdaRunner(specs, **options))
        return made[-1]

    yield runner
    for each in made:
        each.close()


def test_a_function_over_its_time_is_ended_and_the_next_call_starts_cold(
    lambda_runner: Callable[..., LambdaRunner], tmp_path: Path
) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n"
    runner = lambda_runner(spec(tmp_path, code))
    assert runner.invoke("F", 0) == "done"

    with pytest.raises(FunctionError) as failure:
        runner.invoke("F", 30, timeout_s=0.3)

    assert failure.value.error_type == "Sandbox.Timedout"
    assert "Task timed out after 0.30 seconds" in failure.value.error_message
    assert runner.invoke("F", 0) == "done"


def test_a_function_that_dies_is_told_and_replaced(
    lambda_runner: Callable[..., LambdaRunner], tmp_path: Path
) -> None:
    code = "import os\ndef handler(event, context):\n    if event: os._exit(3)\n    return 'alive'\n"
    runner = lambda_runner(spec(tmp_path, code))

    with pytest.raises(FunctionError) as failure:
        runner.invoke("F", True)

    assert failure.value.error_type == "Runtime.ExitError"
    assert runner.invoke("F", False) == "alive"


def test_callers_share_a_bounded_number_of_environments(
    lambda_runner: Callable[..., LambdaRunner], tmp_path: Path
) -> None:
    code = "import os, time\ndef handler(event, context):\n    time.sleep(0.2)\n    return os.getpid()\n"
    runner = lambda_runner(spec(tmp_path, code), max_environments=3)

    with ThreadPoolExecutor(9) as pool:
        pids = list(pool.map(lambda _: runner.invoke("F", {}), range(9)))

    assert len(set(pids)) == 3
    assert os.getpid() not in pids


def test_a_child_sees_nothing_of_its_parents_environment(
    lambda_runner: Callable[..., LambdaRunner], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "1")
    code = "import os\ndef handler(event, context):\n    return sorted(os.environ)\n"

    seen = lambda_runner(spec(tmp_path, code, MINE="yes")).invoke("F", {})

    assert "MINE" in seen
    assert "SECRET_OF_THE_PARENT" not in seen


def test_no_child_outlives_its_runner(lambda_runner: Callable[..., LambdaRunner], tmp_path: Path) -> None:
    runner = lambda_runner(spec(tmp_path, "import os\ndef handler(e, c):\n    return os.getpid()\n"))
    pid = runner.invoke("F", {})

    runner.close()

    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.02)
