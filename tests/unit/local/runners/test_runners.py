"""Both runners keep one contract: what a function answers, and how it fails, is what Lambda would say."""

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.runners import FunctionError, PayloadTooLarge, Runner, Throttled, child
from local.runners.inprocess import InProcessRunner
from local.runners.lambda_runner import LambdaRunner
from local.templates.functions import FunctionSpec

Make = Callable[..., Runner]

ECHO = """
def handler(event, context):
    return {"event": event, "left": context.get_remaining_time_in_millis(), "name": context.function_name}
"""


def spec(folder: Path, code: str, timeout_s: int = 5, **environment: str) -> dict[str, FunctionSpec]:
    (folder / "app.py").write_text(code)
    return {"F": FunctionSpec("F", folder, "app.handler", timeout_s, 128, environment, ())}


# Waits until a file named by the event is there.
WAITING = """
import pathlib, time
def handler(event, context):
    while not pathlib.Path(event).exists():
        time.sleep(0.01)
    return "done"
"""


def until(holds: Callable[[], bool]) -> None:
    """Returns when it holds; it always does in the end, unless the test is to fail."""
    ends_at = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


@pytest.fixture(params=["in process", "lambda runtime"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes a runner of each kind, and ends it."""
    made: list[Runner] = []

    def runner(specs: dict[str, FunctionSpec], **options: Any) -> Runner:
        if request.param == "in process":
            options.pop("max_environments", None)
            chosen: Runner = InProcessRunner(specs, **options)
        else:
            chosen = LambdaRunner(specs, **options)
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


def test_a_function_over_its_time_is_ended_and_the_next_call_starts_cold(make: Make, tmp_path: Path) -> None:
    code = (
        "import time\nCOUNT = []\n"
        "def handler(event, context):\n    COUNT.append(1)\n    time.sleep(event)\n    return len(COUNT)\n"
    )
    runner = make(spec(tmp_path, code, timeout_s=1))
    assert [runner.invoke("F", 0), runner.invoke("F", 0)] == [1, 2]

    with pytest.raises(FunctionError) as failure:
        runner.invoke("F", 3)

    assert failure.value.error_type == "Sandbox.Timedout"
    assert failure.value.error_message.endswith("Error: Task timed out after 1.00 seconds")
    assert runner.invoke("F", 0) == 1


def test_a_function_that_is_still_at_work_after_its_time_holds_up_no_other(
    make: Make, tmp_path: Path
) -> None:
    runner = make(spec(tmp_path, WAITING, timeout_s=1), account_concurrency=1)
    wanted, here = tmp_path / "wanted", tmp_path / "here"
    here.touch()

    with pytest.raises(FunctionError, match="timed out"):
        runner.invoke("F", str(wanted))

    assert runner.invoke("F", str(here)) == "done"
    wanted.touch()


def test_a_function_has_its_own_time_whatever_its_caller_waits(make: Make, tmp_path: Path) -> None:
    runner = make(spec(tmp_path, ECHO, timeout_s=300))

    assert 200_000 < runner.invoke("F", {}, timeout_s=30)["left"] <= 300_000


def test_a_caller_who_stops_waiting_leaves_the_function_at_work(make: Make, tmp_path: Path) -> None:
    code = WAITING.replace('return "done"', "pathlib.Path(event + '.done').touch()")
    runner = make(spec(tmp_path, code, timeout_s=60))
    wanted = tmp_path / "wanted"

    with pytest.raises(TimeoutError):
        runner.invoke("F", str(wanted), timeout_s=0.2)

    wanted.touch()
    until((tmp_path / "wanted.done").exists)


@pytest.mark.parametrize("where", ["in the handler", "at its import"])
def test_a_function_that_exits_is_an_error_and_its_environment_is_replaced(
    make: Make, tmp_path: Path, where: str
) -> None:
    leave = "import pathlib, sys\nif pathlib.Path(MARK).exists(): sys.exit(3)\n"
    mark = tmp_path / "leave"
    body = leave.replace("MARK", repr(str(mark)))
    handler = "def handler(event, context):\n"
    inner = "".join(f"    {line}\n" for line in body.splitlines())
    code = (
        f"{handler}{inner}    return 'alive'\n"
        if "handler" in where
        else f"{body}{handler}    return 'alive'\n"
    )
    runner = make(spec(tmp_path, code))
    mark.touch()

    with pytest.raises(FunctionError) as failure:
        runner.invoke("F", {})
    mark.unlink()

    assert failure.value.error_type == "Runtime.ExitError"
    assert failure.value.error_message.endswith("Error: Runtime exited with error: exit status 3")
    assert runner.invoke("F", {}) == "alive"


@pytest.mark.parametrize(
    ("reserved", "account"), [(1, 1000), (None, 1)], ids=["by its reserve", "by the account"]
)
def test_more_callers_than_its_concurrency_are_throttled_and_do_not_wait(
    make: Make, tmp_path: Path, reserved: int | None, account: int
) -> None:
    [waiting] = spec(tmp_path, WAITING, timeout_s=60).values()
    runner = make({"F": replace(waiting, reserved=reserved)}, account_concurrency=account)
    first, here = tmp_path / "first", tmp_path / "here"
    here.touch()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(runner.invoke, "F", str(first))
        until(lambda: is_throttled(runner, str(here)))
        first.touch()

        assert running.result() == "done"
    assert runner.invoke("F", str(here)) == "done"


def is_throttled(runner: Runner, event: Any) -> bool:
    try:
        runner.invoke("F", event)
    except Throttled as error:
        assert error.error_type == "TooManyRequestsException"
        return True
    return False


def test_a_reserve_is_taken_from_what_the_other_functions_share(make: Make, tmp_path: Path) -> None:
    [waiting] = spec(tmp_path, WAITING, timeout_s=60).values()
    specs = {"F": waiting, "G": replace(waiting, name="G", reserved=3)}

    with pytest.raises(Throttled):
        make(specs, account_concurrency=3).invoke("F", "")


@pytest.mark.parametrize(("text", "length"), [("x", 6 * 1024 * 1024 - 2), ("\u20ac", 2 * 1024 * 1024 - 1)])
def test_an_event_of_six_megabytes_passes_and_a_byte_more_does_not(
    make: Make, tmp_path: Path, text: str, length: int
) -> None:
    runner = make(spec(tmp_path, "def handler(event, context):\n    return len(event)\n", timeout_s=60))

    assert runner.invoke("F", text * length) == length
    with pytest.raises(PayloadTooLarge):
        runner.invoke("F", text * (length + 1))


def test_a_result_of_six_megabytes_passes_and_a_byte_more_is_an_error_of_the_function(
    make: Make, tmp_path: Path
) -> None:
    code = "def handler(event, context):\n    return 'x' * event\n"
    runner = make(spec(tmp_path, code, timeout_s=60), max_environments=1)

    assert len(runner.invoke("F", 6_291_554)) == 6_291_554
    with pytest.raises(FunctionError) as failure:
        runner.invoke("F", 6_291_555)

    assert failure.value.error_type == "Function.ResponseSizeTooLarge"
    assert runner.invoke("F", 1) == "x"


@pytest.fixture
def lambda_runner() -> Iterator[Callable[..., LambdaRunner]]:
    made: list[LambdaRunner] = []

    def runner(specs: dict[str, FunctionSpec], **options: Any) -> LambdaRunner:
        made.append(LambdaRunner(specs, **options))
        return made[-1]

    yield runner
    for each in made:
        each.close()


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


def test_a_function_that_is_slow_to_start_has_its_whole_time_afterwards(
    lambda_runner: Callable[..., LambdaRunner], tmp_path: Path
) -> None:
    code = "import time\ntime.sleep(1.5)\ndef handler(event, context):\n    return 'done'\n"

    assert lambda_runner(spec(tmp_path, code, timeout_s=1)).invoke("F", {}) == "done"


@pytest.fixture
def numbered_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process sees in START the how manyth it is; the first start of a function may take 0.3 s."""
    numbers, start = itertools.count(1), child._start

    def numbered(spec: FunctionSpec, *arguments: Any) -> Any:
        environment = {**spec.environment, "START": str(next(numbers))}
        return start(replace(spec, environment=environment), *arguments)

    monkeypatch.setattr(child, "_start", numbered)
    monkeypatch.setattr(child, "_INIT_S", 0.3)


SLOW_START = """
import os, time
time.sleep(60 if os.environ["START"] in os.environ["SLOW"] else 0)
def handler(event, context):
    return context.get_remaining_time_in_millis()
"""


@pytest.mark.usefixtures("numbered_starts")
def test_a_start_that_takes_too_long_is_made_again_in_the_functions_own_time(
    lambda_runner: Callable[..., LambdaRunner], tmp_path: Path
) -> None:
    runner = lambda_runner(spec(tmp_path, SLOW_START, timeout_s=60, SLOW="1"))

    # A start of any length was taken from its time.
    assert runner.invoke("F", {}) < 60_000 - 10


@pytest.mark.usefixtures("numbered_starts")
def test_a_function_that_never_starts_runs_out_of_its_time(
    lambda_runner: Callable[..., LambdaRunner], tmp_path: Path
) -> None:
    runner = lambda_runner(spec(tmp_path, SLOW_START, timeout_s=1, SLOW="12"))

    with pytest.raises(FunctionError, match=r"Sandbox\.Timedout.*after 1\.00 seconds"):
        runner.invoke("F", {})


def test_a_function_with_a_json_log_format_logs_lines_of_json(
    lambda_runner: Callable[..., LambdaRunner], tmp_path: Path
) -> None:
    code = "import logging\ndef handler(event, context):\n    logging.warning('careful')\n"
    [plain] = spec(tmp_path, code).values()

    lambda_runner({"F": plain}, log_dir=tmp_path / "text").invoke("F", {})
    lambda_runner({"F": replace(plain, log_format="JSON")}, log_dir=tmp_path / "json").invoke("F", {})

    assert (tmp_path / "text" / "F.log").read_text().startswith("[WARNING]")
    line = json.loads((tmp_path / "json" / "F.log").read_text().splitlines()[0])
    assert (line["level"], line["message"]) == ("WARNING", "careful")
    assert line["requestId"]


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


def test_who_finds_no_free_environment_is_refused_when_its_patience_is_over(tmp_path: Path) -> None:
    runner = LambdaRunner(spec(tmp_path, WAITING, timeout_s=60), max_environments=1, queue_s=0.1)
    wanted = tmp_path / "wanted"
    try:
        with ThreadPoolExecutor() as pool:
            first = pool.submit(runner.invoke, "F", str(wanted))
            until(lambda: any(each.is_busy for each in runner.environments()))
            with pytest.raises(Throttled):
                runner.invoke("F", str(wanted))
            wanted.touch()
            assert first.result() == "done"
        assert runner.invoke("F", str(wanted)) == "done"
    finally:
        runner.close()


def test_an_environment_that_is_killed_is_told_among_the_failures(tmp_path: Path) -> None:
    runner = LambdaRunner(spec(tmp_path, WAITING, timeout_s=60))
    try:
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(runner.invoke, "F", str(tmp_path / "never"))
            until(lambda: any(each.is_busy for each in runner.environments()))
            [victim] = runner.environments()
            victim.process.kill()
            with pytest.raises(FunctionError):
                asked.result()
        [failure] = runner.failures
        assert (failure.function, failure.pid) == ("F", victim.process.pid)
        assert failure.error_type == "Runtime.ExitError"
        assert runner.environments() == []
    finally:
        runner.close()
