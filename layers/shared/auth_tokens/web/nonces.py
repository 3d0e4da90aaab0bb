"""Nonces for the proofs of the service's own clients (RFC 9449 §8.2)."""

from collections.abc import Mapping
from dataclasses import replace

from auth_tokens.domain.errors import ProofRefused, TokenServiceError, Unavailable
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.proofs import TokenProofs
from auth_tokens.web.handler import Route
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response


def with_nonces(routes: Mapping[str, Route], proofs: TokenProofs, clock: Clock) -> dict[str, Route]:
    """The routes, of which each answer to a request with a proof has the nonce of the next one; but for a proof that
    was refused, which costs no look at the keys."""
    return {key: _with_nonce(route, proofs, clock) for key, route in routes.items()}


def _with_nonce(route: Route, proofs: TokenProofs, clock: Clock) -> Route:
    def answered(request: Request) -> Response:
        try:
            response = route(request)
        except ProofRefused:
            raise
        except TokenServiceError as exc:
            exc.next_nonce = _next_nonce(request, proofs, clock)
            raise
        nonce = _next_nonce(request, proofs, clock)
        return replace(response, headers={**response.headers, "DPoP-Nonce": nonce}) if nonce else response

    return answered


def _next_nonce(request: Request, proofs: TokenProofs, clock: Clock) -> str | None:
    scheme = request.headers.get("authorization", "dpop ").lower()
    if "dpop" not in request.headers or not scheme.startswith("dpop "):
        return None
    try:
        return proofs.next_nonce(clock())
    except Unavailable:
        return None  # what was done is done: its answer must not become a 503
