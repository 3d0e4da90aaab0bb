"""What local mode serves to a GET under `/_local`: the run's id, metrics, and the files of the reference page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from local import running
from local.http.messages import GatewayResponse, json_response, message_response
from local.routes import Reads

_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
}


def reads(mark: running.Mark, metrics: Callable[[], str] | None, reference: Path) -> Reads:
    """metrics: makes the page of metrics; None where the runner collects none. reference: the folder of the reference
    page, which need not exist."""
    return {
        running.PATH: lambda _: json_response(200, {"id": mark.id}),
        "/_local/reference/": partial(reference_file, reference),
        **({"/_local/metrics": lambda _: text_response(metrics())} if metrics else {}),
    }


def text_response(text: str) -> GatewayResponse:
    """A page of plain text."""
    return GatewayResponse(200, (("Content-Type", "text/plain; charset=utf-8"),), text.encode())


def reference_file(folder: Path, name: str) -> GatewayResponse:
    """A file of the reference page. name: empty for the page itself."""
    file = folder / (name or "index.html")
    if file.parent != folder or not file.is_file():
        return message_response(404, "Not Found. `make docs` writes the reference page.")
    headers = (("Content-Type", _CONTENT_TYPES[file.suffix]), ("Cache-Control", "no-cache"))
    return GatewayResponse(200, headers, file.read_bytes())
