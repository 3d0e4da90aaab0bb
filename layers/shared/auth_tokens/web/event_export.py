"""GET /console/events/export: events as a file of CSV (RFC 4180) or JSON, for a browser to keep."""

import csv
import io
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.export_events import Export, Row, export_events
from auth_tokens.usecases.list_events import ListEventsDeps
from auth_tokens.web.credentials import refuse_cross_site
from auth_tokens.web.handler import Route
from auth_tokens.web.query_parameters import event_filter
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import NO_STORE, Response

COLUMNS = ("id", "type", "at", "user_id", "session_id", "source", "detail")
NEXT_CURSOR = "X-Next-Cursor"
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), in full width as well.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def get_export(deps: ListEventsDeps, ids: IdForm, allowed_origins: Collection[str]) -> Route:
    """A page of elsewhere could have a browser download a file that its owner then trusts: it is refused."""

    def route(request: Request) -> Response:
        refuse_cross_site(request, allowed_origins)
        form = request.query_value("format") or "csv"
        if form not in _FORMS:
            raise InvalidRequest(f"format must be one of {', '.join(_FORMS)}.")
        media_type, written, joined = _FORMS[form]
        export = export_events(event_filter(request, ids), written, deps)
        name = f"events-{datetime.fromtimestamp(deps.clock(), UTC):%Y-%m-%d}.{form}"
        headers = {
            **NO_STORE,
            "Content-Type": media_type,
            "Content-Disposition": f'attachment; filename="{name}"',
            **({NEXT_CURSOR: export.next_cursor} if export.next_cursor else {}),
        }
        return Response(text=joined(export), headers=headers)

    return route


def csv_line(cells: Sequence[str]) -> str:
    """Ended by CRLF, quoted where need be (RFC 4180 §2). A cell that a spreadsheet would compute begins with an
    apostrophe, which makes it text."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(
        f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells
    )
    return line.getvalue()


def _csv_row(event: RecordedEvent) -> Row:
    view = event.public_view()
    at = f"{datetime.fromtimestamp(event.at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    detail = json.dumps(view["detail"], ensure_ascii=False) if view["detail"] else ""
    cells = {**view, "at": at, "detail": detail}
    return _row(event, csv_line([cells[name] or "" for name in COLUMNS]))


def _json_row(event: RecordedEvent) -> Row:
    return _row(event, json.dumps(event.public_view(), ensure_ascii=False))


def _row(event: RecordedEvent, text: str) -> Row:
    """Its size is that within Lambda's answer, whose body is a JSON text."""
    return Row(event, text, len(json.dumps(text)))


def _csv_file(export: Export) -> str:
    return csv_line(COLUMNS) + "".join(row.text for row in export.rows)


def _json_file(export: Export) -> str:
    events = ",\n".join(row.text for row in export.rows)
    return f'{{"events": [{events}], "next_cursor": {json.dumps(export.next_cursor)}}}'


_FORMS: Mapping[str, tuple[str, Callable[[RecordedEvent], Row], Callable[[Export], str]]] = {
    "csv": ("text/csv; charset=utf-8; header=present", _csv_row, _csv_file),
    "json": ("application/json", _json_row, _json_file),
}
