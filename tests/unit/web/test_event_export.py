"""Events as a file: what a spreadsheet makes of it, and that it fits into one answer."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.export_events import MAX_BYTES
from auth_tokens.usecases.list_events import ListEventsDeps
from auth_tokens.web.event_export import COLUMNS, csv_line, get_export
from auth_tokens.web.handler import http_handler
from tests.support.world import Clock, RecordedTelemetry
from tests.unit.usecases.test_list_events import MemoryEvents, event

ROUTE = "GET /console/events/export"
LAMBDA_LIMIT = 6 * 1024 * 1024


def answer(events: list[RecordedEvent], query: str = "", **headers: str) -> dict[str, Any]:
    deps = ListEventsDeps(MemoryEvents(events), Clock())
    handle = http_handler({ROUTE: get_export(deps, IdForm.TEXT, ())}, RecordedTelemetry(), ())
    asked = {"routeKey": ROUTE, "rawQueryString": query, "headers": headers, "requestContext": {}}
    return handle(asked, None)


def lines(reply: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reply["body"], newline="")))


def test_csv_has_a_line_of_names_and_a_line_for_each_event_newest_first() -> None:
    told = replace(event(2), detail={"place": "IE", "note": 'say "no", twice\nand go'}, source_hash=b"s" * 16)

    reply = answer([event(1, user_id="bob"), told])

    assert reply["body"].startswith(",".join(COLUMNS) + "\r\n")
    newest, oldest = lines(reply)
    assert (newest["user_id"], oldest["user_id"], oldest["detail"]) == ("alice", "bob", "")
    assert json.loads(newest["detail"]) == told.detail
    assert newest["at"] == "2027-01-15T08:00:00Z" and newest["source"] == (b"s" * 16).hex()
    assert reply["headers"]["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert reply["headers"]["Content-Disposition"] == 'attachment; filename="events-2027-01-15.csv"'
    assert reply["headers"]["Cache-Control"] == "no-store"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(begin: str) -> None:
    cell = f"{begin}1+1"

    [[safe, other]] = csv.reader(io.StringIO(csv_line([cell, "1=1"]), newline=""))

    assert (safe, other) == (f"'{cell}", "1=1")


def test_a_user_whose_id_is_a_formula_is_a_text() -> None:
    assert [line["user_id"] for line in lines(answer([event(1, user_id="=1+1")]))] == ["'=1+1"]


def test_json_is_the_list_of_events() -> None:
    reply = answer([event(1), replace(event(2), detail={"place": "Zürich 😀"})], "format=json")

    body = json.loads(reply["body"])
    assert [each["detail"] for each in body["events"]] == [{"place": "Zürich 😀"}, {}]
    assert body["next_cursor"] is None
    assert reply["headers"]["Content-Disposition"].endswith('.json"')


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_file_ends_before_lambda_s_limit_and_the_next_goes_on_there(form: str) -> None:
    """Characters that take most room where they are escaped."""
    detail: dict[str, str | int] = {"note": "\u2028" * 680}
    events = [replace(event(number), detail=detail) for number in range(1, 1501)]
    found: list[str] = []
    query = f"format={form}"

    for _ in range(4):
        reply = answer(events, query)
        assert len(json.dumps(reply)) < LAMBDA_LIMIT
        rows = lines(reply) if form == "csv" else json.loads(reply["body"])["events"]
        found += [row["id"] for row in rows]
        cursor = reply["headers"].get("X-Next-Cursor")
        if cursor is None:
            break
        query = f"format={form}&cursor={cursor}"

    assert len(found) == len(set(found)) == 1500
    assert cursor is None
    assert MAX_BYTES < LAMBDA_LIMIT


@pytest.mark.parametrize(
    "headers", [{"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_page_of_elsewhere_has_no_file_downloaded(headers: dict[str, str]) -> None:
    assert answer([event(1)], **headers)["statusCode"] == 403
    assert answer([event(1)], **{"sec-fetch-site": "none"})["statusCode"] == 200


def test_another_form_is_refused_with_those_that_there_are() -> None:
    reply = answer([event(1)], "format=xml")

    assert json.loads(reply["body"])["error_description"] == "format must be one of csv, json."
