"""docs/reference/metrics.md lists the metrics that the code counts; nothing else is alarmed on, drawn or named."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from auth_tokens.adapters.mysql.events import event_metric
from auth_tokens.domain.events import UNCOUNTED, EventType
from auth_tokens.observability import NAMESPACE
from tests.architecture.deployment import resources
from tests.docs.markdown import DOCS, PAGES, plain, table
from tests.docs.telemetry_calls import telemetry_calls, texts

PAGE = DOCS / "reference" / "metrics.md"
DOCUMENTED = {plain(row["Metric"]): row["Unit"] for row in table(PAGE, "Metrics", "Metric").rows}
EVENTS = {event_metric(kind.value): kind.value for kind in EventType if kind not in UNCOUNTED}


def _emitted() -> dict[str, str]:
    """Metric → unit, of every call that counts."""
    counted = {
        name: texts(call.args[2]).pop() if len(call.args) > 2 else "Count"
        for call in telemetry_calls("count")
        for name in texts(call.args[0])
    }
    return counted | dict.fromkeys(EVENTS, "Count")


def _metrics_of(value: Any) -> Iterator[str]:
    """The service's own metrics in a part of a template: of alarms, metric filters, queries and dashboards."""
    match value:
        case {"Namespace": str(namespace), "MetricName": str(name)} if namespace == NAMESPACE:
            yield name
        case [str(namespace), str(name), *_] if namespace == NAMESPACE:
            yield name
        case str(text) if NAMESPACE in text and text.lstrip().startswith("{"):
            yield from _metrics_of(json.loads(text))
    match value:
        case dict():
            for member in value.values():
                yield from _metrics_of(member)
        case list():
            for member in value:
                yield from _metrics_of(member)


def test_the_page_lists_what_the_code_counts_with_its_unit() -> None:
    assert len(DOCUMENTED) > 20
    assert _emitted() == DOCUMENTED


def test_the_page_names_the_namespace_of_the_code() -> None:
    assert f"namespace `{NAMESPACE}`" in PAGE.read_text("utf-8")


def test_the_metric_of_an_event_names_its_type() -> None:
    rows = {plain(row["Metric"]): row["Counted when"] for row in table(PAGE, "Metrics", "Metric").rows}

    assert {name: rows[name] for name in EVENTS} == {name: f"event `{kind}`" for name, kind in EVENTS.items()}


def test_every_metric_named_in_any_page_is_counted() -> None:
    named = re.compile(r"[Mm]etric `([A-Za-z]+)`")
    for page in PAGES:
        assert set(named.findall(page.read_text("utf-8"))) <= set(DOCUMENTED), page


def test_every_metric_of_an_alarm_or_dashboard_is_counted() -> None:
    assert set(_metrics_of([body["Properties"] for body in resources().values()])) <= set(DOCUMENTED)


_X = {"Namespace": NAMESPACE, "MetricName": "X"}
_WIDGET = {"properties": {"metrics": [[NAMESPACE, "X", "service", "s"]]}}
TEMPLATE_PARTS: dict[str, Any] = {
    "an alarm": {**_X, "Threshold": 1},
    "an alarm on an expression": {"Metrics": [{"MetricStat": {"Metric": _X}}]},
    "a dashboard": {"DashboardBody": json.dumps({"widgets": [_WIDGET]})},
}


@pytest.mark.parametrize("part", TEMPLATE_PARTS.values(), ids=TEMPLATE_PARTS)
def test_a_metric_is_found_in(part: dict[str, Any]) -> None:
    assert list(_metrics_of(part)) == ["X"]


def test_metrics_of_others_are_not_ours() -> None:
    assert not list(_metrics_of({"Namespace": "AWS/Lambda", "MetricName": "Errors"}))
