"""WSGI middleware (Flask, Django, Pyramid): the claims are in `environ["auth"]`."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from auth_tokens_verify.verifier import Refusal, Verifier

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class RequireToken:
    """Wraps an application. requirements: as of Verifier.check."""

    def __init__(self, app: App, verifier: Verifier, **requirements: Any) -> None:
        self._app = app
        self._verifier = verifier
        self._requirements = requirements

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        fields = {"authorization": environ.get("HTTP_AUTHORIZATION", "")}
        verdict = self._verifier.check(fields, **self._requirements)
        if not isinstance(verdict, Refusal):
            return self._app({**environ, "auth": verdict}, start_response)
        status = f"{verdict.status} {HTTPStatus(verdict.status).phrase}"
        start_response(status, [*verdict.headers.items(), ("Content-Length", str(len(verdict.body)))])
        return [verdict.body]
