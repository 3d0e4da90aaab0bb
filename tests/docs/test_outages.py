"""docs/reference/outages.md: a row for each route, and no answer within a second of its function's end."""

import re

import pytest

from local.host.paths import ROOT
from tests.architecture.deployment import resources, written
from tests.contract.document import OPERATIONS
from tests.support.outages import AUTHORIZER_ROUTES, SCHEDULES

TEXT = (ROOT / "docs" / "reference" / "outages.md").read_text("utf-8")
ROW = re.compile(r"^\| `?([^|`]+?)`? \| (\d+) \|((?: [\d.]+ \(\d{3}\) \|){3})$", re.M)
ROWS = {name: (int(timeout), figures) for name, timeout, figures in ROW.findall(TEXT)}
FUNCTIONS = {
    **{
        f"{event['Properties']['Method'].upper()} {event['Properties']['Path']}": name
        for name, body in written()["Resources"].items()
        for event in body.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "HttpApi" and "Method" in event["Properties"]
    },
    **dict.fromkeys(AUTHORIZER_ROUTES, "AuthorizerFunction"),
    **SCHEDULES,
}


def test_each_route_and_schedule_has_a_row() -> None:
    assert set(ROWS) == {*OPERATIONS, *AUTHORIZER_ROUTES, *SCHEDULES}


@pytest.mark.parametrize("name", ROWS)
def test_the_slowest_answer_leaves_a_second_and_is_its_own(name: str) -> None:
    timeout_s, figures = ROWS[name]
    answers = [
        (float(seconds), int(status)) for seconds, status in re.findall(r"([\d.]+) \((\d+)\)", figures)
    ]

    assert timeout_s == resources()[FUNCTIONS[name]]["Properties"]["Timeout"]
    assert all(seconds <= timeout_s - 1 for seconds, _ in answers)
    assert all(status == 503 or status < 500 for _, status in answers)
