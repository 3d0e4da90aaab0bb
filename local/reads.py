"""What local mode serves to a GET: the landing page at `/`, and under `/_local` the run's id, metrics, logs, and the
API's reference page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from local import running
from local.host.paths import ROOT
from local.http.messages import GatewayResponse, Headers, json_response, message_response
from local.landing import PAGES, Landing, log_names
from local.routes import Reads

RENDERER = ROOT / "tools" / "reference" / "node_modules" / "swagger-ui-dist"
_DOCUMENT = ROOT / "docs" / "openapi.yaml"
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
}
_TEXT = "text/plain; charset=utf-8"
# Nothing of another origin, no script, no frame: neither around the page nor in it.
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# The renderer is a script, sets styles of its own, has pictures within its style sheet, and tries the routes.
_POLICY_OF_REFERENCE = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Headers = (
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)
# Of a log, the end: a browser shows no hundred megabytes.
_LOG_BYTES = 262_144


def reads(landing: Landing, metrics: Callable[[], str] | None, reference: Reference) -> Reads:
    """metrics: makes the page of metrics; None where the runner collects none."""
    return {
        "/": lambda _: _page(landing.page().encode(), _CONTENT_TYPES[".html"]),
        "/_local/landing.css": lambda _: _page((PAGES / "landing.css").read_bytes(), _CONTENT_TYPES[".css"]),
        running.PATH: lambda _: json_response(200, {"id": landing.mark.id}),
        "/_local/reference/": reference.file,
        "/_local/logs/": lambda name: log_file(landing.logs, name),
        **({"/_local/metrics": lambda _: _page(metrics().encode(), _TEXT)} if metrics else {}),
    }


def log_file(folder: Path | None, name: str) -> GatewayResponse:
    """The end of a function's log file, as text. name: that of a file directly in the folder."""
    if folder is None or name not in log_names(folder):
        return message_response(404, "Not Found")
    with (folder / name).open("rb") as log:
        log.seek(max(0, (folder / name).stat().st_size - _LOG_BYTES))
        return _page(log.read(), _TEXT)


@dataclass(frozen=True)
class Reference:
    """The API's reference page, written anew whenever the document has changed.

    folder: of the page, which need not exist. renderer: the folder of the package that shows it.
    """

    folder: Path
    renderer: Path = RENDERER
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def has_renderer(self) -> bool:
        return self.renderer.is_dir()

    def file(self, name: str) -> GatewayResponse:
        """A file of the page. name: empty for the page itself."""
        with self._writing:
            if self.has_renderer and self._is_stale():
                from tools.reference.__main__ import write_reference

                write_reference(self.folder)
        file = self.folder / (name or "index.html")
        if file.parent != self.folder or not file.is_file():
            return message_response(404, "Not Found. `make docs` fetches what shows the API.")
        return _page(file.read_bytes(), _CONTENT_TYPES[file.suffix], _POLICY_OF_REFERENCE)

    def _is_stale(self) -> bool:
        page = self.folder / "index.html"  # the last file that is written
        return not page.exists() or page.stat().st_mtime < _DOCUMENT.stat().st_mtime


def _page(body: bytes, content_type: str, policy: str = _POLICY) -> GatewayResponse:
    headers = (("Content-Type", content_type), ("Content-Security-Policy", policy), *_HEADERS)
    return GatewayResponse(200, headers, body)
