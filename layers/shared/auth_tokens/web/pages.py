"""The pages for people: fixed files of a folder, under a Content-Security-Policy that allows nothing else."""

from collections.abc import Mapping
from pathlib import Path

from auth_tokens.domain.errors import NotFound
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_HEADERS = {
    # Only files and requests of this origin: no inline script or style, no frame, no other origin.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def pages_in(folder: Path) -> Mapping[str, Response]:
    """The answers for a folder's files, by name: `account` for account.html, others with their ending."""
    return {
        path.name.removesuffix(".html"): Response(
            headers={**_HEADERS, "Content-Type": _TYPES[path.suffix]}, text=path.read_text("utf-8")
        )
        for path in sorted(folder.iterdir())
        if path.suffix in _TYPES
    }


def settings_of_pages(*, max_staleness_s: int, operators_label: str, password_url: str) -> Response:
    """What the pages say of this service, for everybody: how soon an end holds at other services, who operates, and
    where a password is changed."""
    body = {
        "authorizers_learn_within_s": max_staleness_s,
        "operators_label": operators_label,
        "password_url": password_url,
    }
    return Response(headers=_HEADERS, body=body)


def page_in_path(request: Request, pages: Mapping[str, Response]) -> Response:
    """The file that {page} names. Raises NotFound."""
    page = pages.get(request.path_parameters.get("page", ""))
    if page is None:
        raise NotFound()
    return page
