"""WSGI middleware (Flask, Django, Pyramid): the claims are in `environ["auth"]`."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from auth_tokens_verify.verifier import Refusal, Verifier

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_FIELDS = {"authorization": "HTTP_AUTHORIZATION", "dpop": "HTTP_DPOP"}


class RequireToken:
    """Wraps an application. requirements: as of Verifier.check."""

    def __init__(self, app: App, verifier: Verifier, **requirements: Any) -> None:
        self._app = app
        self._verifier = verifier
        self._requirements = requirements

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        fields = [(name, environ[key]) for name, key in _FIELDS.items() if key in environ]
        verdict = self._verifier.check(
            fields, method=environ.get("REQUEST_METHOD", ""), target=_target_of(environ), **self._requirements
        )
        if not isinstance(verdict, Refusal):
            return self._app({**environ, "auth": verdict}, start_response)
        status = f"{verdict.status} {HTTPStatus(verdict.status).phrase}"
        start_response(status, [*verdict.headers.items(), ("Content-Length", str(len(verdict.body)))])
        return [verdict.body]


def _target_of(environ: dict[str, Any]) -> str:
    """The path as it was sent, but for needless escapes: the server has decoded it (PEP 3333)."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return quote(path.encode("latin-1"))
