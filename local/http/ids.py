"""Ids as API Gateway makes them."""

from __future__ import annotations

import secrets
import uuid
from base64 import b64encode
from dataclasses import dataclass

from local.http.messages import Headers
from local.templates.model import ApiKind


def new_id() -> str:
    """A new id of a request, connection or message: 11 random bytes in base64."""
    return b64encode(secrets.token_bytes(11)).decode()


@dataclass(frozen=True, slots=True)
class RequestIds:
    """The ids of one request, and the headers that report them to the client.

    A REST API has two: `request` is a UUID, `extended` is in the form of `new_id`. Other kinds use `extended` for both.
    """

    request: str
    extended: str
    headers: Headers

    @classmethod
    def of(cls, kind: ApiKind) -> RequestIds:
        """New ids for a request at an API of this kind."""
        extended = new_id()
        if kind is ApiKind.REST:
            request = str(uuid.uuid4())
            return cls(request, extended, (("x-amzn-RequestId", request), ("x-amz-apigw-id", extended)))
        name = "apigw-requestid" if kind is ApiKind.HTTP else "x-amzn-RequestId"
        return cls(extended, extended, ((name, extended),))
