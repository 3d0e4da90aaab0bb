"""Both telemetries write the same metrics, on the line of the outcome."""

import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from auth_tokens.observability import StandardTelemetry, Telemetry
from auth_tokens.observability_powertools import PowertoolsTelemetry

Make = Callable[[io.StringIO], Telemetry]


def standard(stream: io.StringIO) -> Telemetry:
    return StandardTelemetry("tests", stream)


def powertools(stream: io.StringIO) -> Telemetry:
    # Powertools keeps a logger, and its stream, by the service's name: a name of each test's own.
    return PowertoolsTelemetry(uuid.uuid4().hex, stream)


both = pytest.mark.parametrize("make", [standard, powertools])


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def metrics(line: dict[str, Any]) -> dict[str, tuple[str, float]]:
    """Metric → unit and value, as CloudWatch reads them from a line."""
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "AuthUserTokens"
    assert directive["Dimensions"] == [["service"]] and line["service"]
    return {m["Name"]: (m["Unit"], _value(line[m["Name"]])) for m in directive["Metrics"]}


def _value(value: Any) -> float:
    [only] = value if isinstance(value, list) else [value]
    return float(only)


@both
def test_an_outcome_is_one_line_with_the_metrics_of_its_invocation(make: Make) -> None:
    stream = io.StringIO()
    telemetry = make(stream)

    telemetry.count("LoginSucceeded")
    telemetry.count("DatabaseTime", 1.5, "Milliseconds")
    telemetry.outcome("request", outcome="ok", status=200)

    [line] = lines(stream)
    assert (line["message"], line["outcome"], line["status"]) == ("request", "ok", 200)
    assert metrics(line) == {"LoginSucceeded": ("Count", 1), "DatabaseTime": ("Milliseconds", 1.5)}


@both
def test_what_is_counted_twice_is_summed_up(make: Make) -> None:
    stream = io.StringIO()
    telemetry = make(stream)

    telemetry.count("DatabaseTime", 1.5, "Milliseconds")
    telemetry.count("DatabaseTime", 2, "Milliseconds")
    telemetry.outcome("request")

    assert metrics(lines(stream)[0]) == {"DatabaseTime": ("Milliseconds", 3.5)}


@both
def test_the_next_outcome_starts_from_nothing(make: Make) -> None:
    stream = io.StringIO()
    telemetry = make(stream)

    telemetry.count("LoginSucceeded")
    telemetry.outcome("request")
    telemetry.outcome("request")

    first, second = lines(stream)
    assert "LoginSucceeded" in first
    assert "_aws" not in second and "LoginSucceeded" not in second


@both
def test_a_failures_line_leaves_the_metrics_to_the_outcome(make: Make) -> None:
    stream = io.StringIO()
    telemetry = make(stream)

    telemetry.count("ServerError")
    telemetry.failure("unexpected", RuntimeError("x"))
    telemetry.outcome("request")

    failure, outcome = lines(stream)
    assert "_aws" not in failure
    assert metrics(outcome) == {"ServerError": ("Count", 1)}


def test_a_quiet_log_level_drops_the_lines_and_keeps_the_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "WARNING")
    stream = io.StringIO()
    telemetry = powertools(stream)

    telemetry.outcome("request", outcome="ok")
    telemetry.count("LoginSucceeded")
    telemetry.outcome("request", outcome="ok")

    [line] = lines(stream)
    assert metrics(line) == {"LoginSucceeded": ("Count", 1)}
    assert "outcome" not in line
