"""The service's answers and requests, as docs/openapi.yaml has them."""

from __future__ import annotations

import re
from typing import Any, NotRequired, TypedDict


class TokenAnswer(TypedDict):
    """Of /auth/login, /auth/issue and /auth/token (RFC 6749 §5.1). Lifetimes in seconds."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    scope: str
    session_id: str
    device_id: str
    device_token: NotRequired[str]
    issued_token_type: NotRequired[str]


class DeviceOptions(TypedDict, total=False):
    id: str
    name: str
    platform: str
    remember: bool
    token: str


class LoginRequest(TypedDict):
    username: str
    password: str
    mode: NotRequired[str]
    scope: NotRequired[str]
    client_id: NotRequired[str]
    device: NotRequired[DeviceOptions]


class StepUpRequest(TypedDict):
    """acr_values: space-separated (RFC 9470)."""

    password: str
    acr_values: NotRequired[str]
    max_age: NotRequired[int]


class ErrorAnswer(TypedDict):
    """RFC 6749 §5.2."""

    error: str
    error_description: str


_ACCESS_TOKEN = re.compile(r"[\w.~+/-]+=*", re.ASCII)  # RFC 6750 §2.1
_TEXTS = ("access_token", "token_type", "refresh_token", "scope", "session_id", "device_id")
_SPANS = ("expires_in", "refresh_expires_in")
_OPTIONAL_TEXTS = ("device_token", "issued_token_type")


def token_answer(value: Any) -> TokenAnswer | None:
    """A parsed body, if it is a whole token answer; members that are not known are left out."""
    if not isinstance(value, dict):
        return None
    whole = (
        all(isinstance(value.get(name), str) for name in _TEXTS)
        and all(type(value.get(name)) is int and value[name] > 0 for name in _SPANS)
        and all(isinstance(value.get(name, ""), str) for name in _OPTIONAL_TEXTS)
        and all(value[name] for name in _TEXTS if name != "scope")
    )
    if not whole or value["token_type"].lower() not in ("bearer", "dpop") or _is_misplaced(value):
        return None
    known = (*_TEXTS, *_SPANS, *_OPTIONAL_TEXTS)
    answer: TokenAnswer = {name: value[name] for name in known if name in value}  # type: ignore[assignment]
    return answer


def _is_misplaced(value: dict[str, str]) -> bool:
    """A token where one of another kind belongs, or what cannot be sent in a header."""
    access, refresh = value["access_token"], value["refresh_token"]
    is_access = _ACCESS_TOKEN.fullmatch(access) and not access.startswith("aut_")
    return not is_access or (refresh.startswith("aut_") and not refresh.startswith("aut_rt_"))
