"""Tokens, looked at without the service: what is in one, and nothing that would let anybody use it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from auth_tokens.domain.ids import uuid_text, uuid_time
from auth_tokens.domain.tokens import MalformedToken, kind_of, unproven


class NoToken(Exception):
    """A text that is none of our tokens. The text of the exception says why."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """view: for people and programs; row_id: of the session or device that the token is of."""

    view: dict[str, Any]
    row_id: str


def is_token(text: str) -> bool:
    """Does it look like a token, of ours or a JWT?"""
    return kind_of(text) is not None or (text.startswith("eyJ") and text.count(".") == 2)


def decode(text: str) -> Decoded:
    """Signature and tag are not checked: they need keys. Raises NoToken."""
    if kind_of(text) is not None:
        return _opaque(text)
    return _jwt(text)


def _opaque(text: str) -> Decoded:
    try:
        token = unproven(text)
    except MalformedToken as exc:
        raise NoToken(
            f"It begins like a token of this service, and its {exc} is wrong: a character was lost or changed."
        ) from exc
    row_id = uuid_text(token.id)
    view = {
        "kind": token.kind.value,
        "id": row_id,
        "generation": token.generation,
        "epoch": token.epoch,
        "session_or_device_made_at": uuid_time(token.id),
        "verified": False,
    }
    return Decoded(view, row_id)


def _jwt(text: str) -> Decoded:
    parts = text.split(".")
    if len(parts) != 3:
        raise NoToken("It is neither a token of this service (aut_rt_…, aut_dt_…, aut_st_…) nor a JWT.")
    try:
        header, claims = (json.loads(_unpadded(part)) for part in parts[:2])
    except ValueError as exc:
        raise NoToken("It has three parts like a JWT, and they are no base64url of JSON.") from exc
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise NoToken("It has three parts like a JWT, and they are no JSON objects.")
    view = {"kind": "access", "header": header, "claims": claims, "verified": False}
    return Decoded(view, str(claims.get("sid", "")))


def _unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
