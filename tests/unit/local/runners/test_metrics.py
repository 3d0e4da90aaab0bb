"""/_local/metrics: sums of what the log lines carry since the start."""

import json
from pathlib import Path

from local.runners.metrics import LogMetrics

NOW = 1_800_000_030.0


def line(at_s: float = NOW, unit: str = "Count", **values: object) -> str:
    directive = {
        "Namespace": "N",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": n, "Unit": unit} for n in values],
    }
    emf = {"Timestamp": int(at_s * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"message": "request", "_aws": emf, **values}) + "\n"


def rows(metrics: LogMetrics, now: float = NOW) -> dict[str, list[str]]:
    return {row.split()[0]: row.split()[1:] for row in metrics.page(now).splitlines()[1:]}


def write(folder: Path, text: str, name: str = "F.log") -> None:
    with (folder / name).open("a") as log:
        log.write(text)


def test_values_of_all_files_are_summed_up_with_their_number_and_the_greatest(tmp_path: Path) -> None:
    metrics = LogMetrics(tmp_path)
    write(tmp_path, line(X=1) + "plain text\n" + line(X=[2.5, 1]))
    write(tmp_path, line(unit="Milliseconds", Y=7), "G.log")

    assert rows(metrics) == {
        "X": ["Count", "4.5", "4.5", "3", "2.5"],
        "Y": ["Milliseconds", "7", "7", "1", "7"],
    }


def test_a_second_look_counts_nothing_twice(tmp_path: Path) -> None:
    metrics = LogMetrics(tmp_path)
    write(tmp_path, line(X=1))
    rows(metrics)
    write(tmp_path, line(X=1))

    assert rows(metrics)["X"][1] == "2"
    assert rows(metrics)["X"][1] == "2"


def test_a_line_half_written_counts_once_it_is_whole(tmp_path: Path) -> None:
    metrics = LogMetrics(tmp_path)
    write(tmp_path, line(X=1)[:-20])
    before = rows(metrics)
    write(tmp_path, line(X=1)[-20:])

    assert before == {}
    assert rows(metrics)["X"][1] == "1"


def test_what_an_earlier_run_wrote_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, line(X=1))

    assert rows(LogMetrics(tmp_path)) == {}


def test_the_last_minutes_leave_out_what_is_older(tmp_path: Path) -> None:
    metrics = LogMetrics(tmp_path)
    write(tmp_path, line(NOW, X=1) + line(NOW - 4 * 60, X=10) + line(NOW - 5 * 60, X=100))

    assert rows(metrics)["X"][1:3] == ["111", "11"]


def test_a_line_that_is_no_json_is_passed_over(tmp_path: Path) -> None:
    metrics = LogMetrics(tmp_path)
    write(tmp_path, '{"_aws": broken\n' + line(X=1))

    assert rows(metrics)["X"][1] == "1"
