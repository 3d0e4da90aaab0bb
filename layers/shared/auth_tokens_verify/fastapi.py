"""A FastAPI dependency: `claims: Annotated[RequestClaims, Depends(TokenRequired(verifier, "jobs:read"))]`."""

import json
from collections.abc import Iterable

from fastapi import HTTPException, Request

from auth_tokens_verify.asgi import request_line
from auth_tokens_verify.verifier import Refusal, RequestClaims, Verifier


class TokenRequired:
    """The claims of a request's good token; the parameters are those of Verifier.check.

    FastAPI calls it in a thread, as it is no coroutine. Raises HTTPException with the service's error body as `detail`.
    """

    def __init__(
        self,
        verifier: Verifier,
        scope: str = "",
        *,
        acr: Iterable[str] = (),
        max_age_s: int | None = None,
        strict: bool = False,
    ) -> None:
        self._verifier = verifier
        self._scope = scope
        self._acr = tuple(acr)
        self._max_age_s = max_age_s
        self._strict = strict

    def __call__(self, request: Request) -> RequestClaims:
        verdict = self._verifier.check(
            request.headers.items(),
            self._scope,
            **request_line(request.scope),
            acr=self._acr,
            max_age_s=self._max_age_s,
            strict=self._strict,
        )
        if isinstance(verdict, Refusal):
            headers = {name: value for name, value in verdict.headers.items() if name != "Content-Type"}
            raise HTTPException(verdict.status, json.loads(verdict.body or b"null"), headers)
        return verdict
