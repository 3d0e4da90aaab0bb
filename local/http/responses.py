"""Turns the result of a function into an HTTP response."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.http.messages import GatewayResponse, Headers
from local.http.refusals import Refusal, function_failed
from local.templates.model import ApiKind

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_REST_MEMBERS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
# The server sets these headers itself: they frame the message.
FRAMING = {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}
# A REST API renames this header of a response ("Important notes" of the developer guide).
_REMAPPED = {"www-authenticate": "x-amzn-Remapped-WWW-Authenticate"}
# The type that an HTTP API gives to a body without one, in either payload version.
_TEXT = "text/plain;charset=UTF-8"


class MalformedResponse(Exception):
    """The function's result is not a proxy response."""


def from_lambda_response(kind: ApiKind, payload_version: str, result: object) -> GatewayResponse | Refusal:
    """The HTTP response for a function's result. A malformed result leads to the gateway's 500 or 502."""
    try:
        if payload_version == "2.0":
            return _from_v2(result)
        return _from_v1(kind, result)
    except MalformedResponse:
        return function_failed(kind)


def is_header_value(text: str) -> bool:
    """Whether a text may be the value of a header. One with a line break may not."""
    return _HEADER_VALUE.fullmatch(text) is not None


def _from_v2(result: object) -> GatewayResponse:
    if not isinstance(result, Mapping) or "statusCode" not in result:
        # The gateway infers the format: the result itself is the body.
        return GatewayResponse(200, (("content-type", "application/json"),), _inferred_body(result))
    headers = (*_single_headers(result), *_cookies(result))
    return _response(result, headers, default_type=_TEXT)


def _inferred_body(result: object) -> bytes:
    try:
        return (result if isinstance(result, str) else json.dumps(result)).encode()
    except (TypeError, ValueError) as error:
        raise MalformedResponse("not JSON") from error


def _from_v1(kind: ApiKind, result: object) -> GatewayResponse:
    if not isinstance(result, Mapping):
        raise MalformedResponse("not an object")
    if kind is ApiKind.REST and not set(result) <= _REST_MEMBERS:
        raise MalformedResponse("unknown members")
    several = tuple(_multi_headers(result))
    pairs = {(name.lower(), value) for name, value in several}
    # A pair that is in both members is sent once.
    single = tuple(pair for pair in _single_headers(result) if (pair[0].lower(), pair[1]) not in pairs)
    headers: Headers = (*several, *single)
    if kind is ApiKind.REST:
        headers = tuple((_REMAPPED.get(name.lower(), name), value) for name, value in headers)
    return _response(result, headers, default_type="application/json" if kind is ApiKind.REST else _TEXT)


def _response(result: Mapping[str, Any], headers: Headers, default_type: str) -> GatewayResponse:
    sent = tuple((name, value) for name, value in headers if name.lower() not in FRAMING)
    if not any(name.lower() == "content-type" for name, _ in sent):
        sent = (("content-type", default_type), *sent)
    return GatewayResponse(_status(result), sent, _body(result))


def _status(result: Mapping[str, Any]) -> int:
    status = result.get("statusCode")
    if isinstance(status, str) and status.isascii() and status.isdigit():
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise MalformedResponse("statusCode")
    return status


def _body(result: Mapping[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResponse("body")
    try:
        return (
            base64.b64decode(body, validate=True) if result.get("isBase64Encoded") is True else body.encode()
        )
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedResponse("body") from error


def _single_headers(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in _object(result, "headers").items():
        yield _header(name, value)


def _multi_headers(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, values in _object(result, "multiValueHeaders").items():
        if not isinstance(values, list):
            raise MalformedResponse("multiValueHeaders")
        for value in values:
            yield _header(name, value)


def _cookies(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    cookies = result.get("cookies") or []
    if not isinstance(cookies, list) or not all(isinstance(cookie, str) for cookie in cookies):
        raise MalformedResponse("cookies")
    for cookie in cookies:
        yield _header("set-cookie", cookie)


def _object(result: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    value = result.get(member)
    if value is not None and not isinstance(value, Mapping):
        raise MalformedResponse(member)
    return value or {}


def _header(name: object, value: object) -> tuple[str, str]:
    """A header, with numbers and booleans as text. Raises MalformedResponse, for a line break as well."""
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, (str, int, float)) or not isinstance(name, str):
        raise MalformedResponse("header")
    text = str(value)
    if not _HEADER_NAME.fullmatch(name) or not is_header_value(text):
        raise MalformedResponse("header")
    return name, text
