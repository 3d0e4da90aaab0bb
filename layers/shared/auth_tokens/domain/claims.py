"""Access token claims (RFC 9068): how they are built, and how they are validated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S
from auth_tokens.domain.errors import EXPIRED, InvalidAccessToken
from auth_tokens.domain.ids import is_base64url_32, is_canonical_uuid, is_user_id, uuid_bytes, uuid_text
from auth_tokens.domain.labels import (
    MAX_LABELS,
    MAX_LABELS_BYTES,
    MAX_LABELS_BYTES_BY_KMS,
    carried_labels,
    is_label,
)
from auth_tokens.domain.scopes import is_scope

if TYPE_CHECKING:  # a type alone, and the authorizer's every start would pay for it
    from auth_tokens.domain.sessions import TokenRecord

# Instances' clocks differ by some seconds: a token issued "just ahead" is fresh, not forged.
# `exp` gets no leeway: a token never lives longer than it says.
IAT_LEEWAY_S = 5
# A longer token is refused before it is parsed, as parsing costs more for longer ones.
MAX_TOKEN_LENGTH = 8192
_MAX_INSTANT = 2**40
_MAX_TEXT = 2048
_MAX_LIST = MAX_LABELS
_SURROGATE = re.compile("[\ud800-\udfff]")
_METHOD = re.compile(r"[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenRoom:
    """Bytes of an access token for its variable claims. labels: for a user's labels; names: for issuer, audience and
    scope together."""

    labels: int
    names: int


def token_room(*, signs_by_kms: bool) -> TokenRoom:
    """What fits beside the longest fixed part of a token (900 bytes of claims, a header and a signature) into the 4096
    bytes that KMS signs, or into MAX_TOKEN_LENGTH."""
    return TokenRoom(MAX_LABELS_BYTES_BY_KMS, 1024) if signs_by_kms else TokenRoom(MAX_LABELS_BYTES, 1536)


class Unissuable(Exception):
    """Claims that our own verifiers would refuse: a fault of this service. The text names the claim."""


@dataclass(frozen=True)  # without slots, for the ids in bytes: a token seen before has them already
class AccessClaims:
    """A verified access token's content, or a browser session's in the same terms. Instants: epoch seconds.

    sid, device_id: UUID texts; jti: None for a browser session; jkt: the thumbprint of the key that the token is bound
    to: without that key's proof it is worth nothing, which who takes the token has to see to; None: of a bearer token.
    """

    sub: str
    sid: str
    jti: str | None
    client_id: str
    scope: str
    device_id: str
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    labels: tuple[str, ...]
    iat: int
    exp: int
    jkt: str | None = None

    @cached_property
    def session_id(self) -> bytes:
        """`sid` as 16 bytes."""
        return uuid_bytes(self.sid)

    @cached_property
    def token_id(self) -> bytes:
        """`jti` as 16 bytes; empty for a browser session."""
        return uuid_bytes(self.jti) if self.jti else b""

    @property
    def ids(self) -> dict[str, str]:
        """Whose credential it is, for the log line."""
        ids = {"user_id": self.sub, "session_id": self.sid}
        return {**ids, "jti": self.jti} if self.jti else ids


@dataclass(frozen=True, slots=True)
class AccessTerms:
    """What one access token is issued for. scope: at most the session's."""

    jti: bytes
    scope: str
    ttl_s: int
    labels_max_bytes: int = MAX_LABELS_BYTES


def build_claims(
    record: TokenRecord, terms: AccessTerms, *, issuer: str, audience: str, now: int
) -> dict[str, Any]:
    """The payload of an access token of a session (RFC 9068 §2.2). Never lives past the session itself.

    Raises Unissuable.
    """
    claims = {
        "iss": issuer,
        "sub": record.user_id,
        "aud": audience,
        "exp": min(now + terms.ttl_s, record.expires_at, record.absolute_expires_at),
        "iat": now,
        "jti": uuid_text(terms.jti),
        "client_id": record.client_id,
        "scope": terms.scope,
        # The clock at sign-in may have been ahead of this one by more than a verifier's leeway.
        "auth_time": min(record.auth_time, now),
        "acr": record.acr,
        "amr": list(record.amr),
        "sid": uuid_text(record.id),
        "device_id": uuid_text(record.device_id) if record.device_id else "",
        "labels": list(carried_labels(record.owner.labels, terms.labels_max_bytes)) if record.owner else [],
    }
    if record.jkt is not None:
        claims["cnf"] = {"jkt": record.jkt}  # RFC 9449 §6.1
    try:
        check_claims(claims, issuer=issuer, audience=audience, now=now)
    except InvalidAccessToken as exc:
        raise Unissuable(exc.detail) from exc
    return claims


def check_claims(payload: Mapping[str, Any], *, issuer: str, audience: str, now: int) -> AccessClaims:
    """The claims of a payload whose signature is good, each of the right type and in bounds.

    Raises InvalidAccessToken naming the claim in its detail (RFC 9068 §4, RFC 8725 §3.8-3.12).
    """
    _require(payload.get("iss") == issuer, "iss")
    _require(_audience_holds(payload.get("aud"), audience), "aud")
    iat, exp = _instant(payload, "iat"), _instant(payload, "exp")
    if now >= exp:
        raise InvalidAccessToken("exp", EXPIRED)
    _require(iat <= now + IAT_LEEWAY_S, "iat")
    _require(iat < exp <= iat + MAX_ACCESS_TTL_S, "exp")
    if "nbf" in payload:
        _require(_instant(payload, "nbf") <= now + IAT_LEEWAY_S, "nbf")
    auth_time = _instant(payload, "auth_time")
    _require(auth_time <= iat + IAT_LEEWAY_S, "auth_time")
    return AccessClaims(
        sub=_user_id(payload, "sub"),
        sid=_uuid(payload, "sid"),
        jti=_uuid(payload, "jti"),
        client_id=_text(payload, "client_id"),
        scope=_scope(payload, "scope"),
        device_id=_uuid(payload, "device_id", allow_empty=True),
        auth_time=auth_time,
        acr=_text(payload, "acr", allow_empty=True),
        amr=_methods(payload, "amr"),
        # Tokens from before the bounds of domain/labels.py may carry labels that a verifier must not pass on.
        labels=tuple(filter(is_label, _texts(payload, "labels"))),
        iat=iat,
        exp=exp,
        jkt=_bound_key(payload),
    )


def _bound_key(payload: Mapping[str, Any]) -> str | None:
    """`cnf` (RFC 7800 §3.1), which is absent or exactly `{"jkt": thumbprint}` (RFC 9449 §6.1)."""
    if "cnf" not in payload:
        return None
    cnf = payload["cnf"]
    _require(isinstance(cnf, dict) and cnf.keys() == {"jkt"} and is_base64url_32(cnf["jkt"]), "cnf")
    return str(cnf["jkt"])


def _audience_holds(value: object, audience: str) -> bool:
    if isinstance(value, list):
        return len(value) <= _MAX_LIST and all(_is_text(v) for v in value) and audience in value
    return value == audience


def _instant(payload: Mapping[str, Any], name: str) -> int:
    value = payload.get(name)
    if type(value) is not int or not 0 <= value < _MAX_INSTANT:  # bool is an int, too
        raise InvalidAccessToken(name)
    return value


def _text(payload: Mapping[str, Any], name: str, *, allow_empty: bool = False) -> str:
    value = payload.get(name)
    if not _is_text(value) or not (value or allow_empty):
        raise InvalidAccessToken(name)
    return str(value)


def _user_id(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not is_user_id(value):
        raise InvalidAccessToken(name)
    return value


def _scope(payload: Mapping[str, Any], name: str) -> str:
    value = _text(payload, name, allow_empty=True)
    _require(not value or is_scope(value), name)
    return value


def _uuid(payload: Mapping[str, Any], name: str, *, allow_empty: bool = False) -> str:
    value = payload.get(name)
    if allow_empty and value == "":
        return ""
    if not isinstance(value, str) or not is_canonical_uuid(value):
        raise InvalidAccessToken(name)
    return value


def _texts(payload: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = payload.get(name)
    if not isinstance(value, list) or len(value) > _MAX_LIST or not all(map(_is_text, value)):
        raise InvalidAccessToken(name)
    return tuple(value)


def _methods(payload: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts that a list separated by spaces can hold."""
    value = _texts(payload, name)
    _require(all(map(_METHOD.fullmatch, value)), name)
    return value


def _is_text(value: object) -> bool:
    """A text of bounded length, without the lone surrogates that JSON can spell and UTF-8 cannot."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        return False
    return value.isascii() or not _SURROGATE.search(value)


def _require(holds: bool, name: str) -> None:
    if not holds:
        raise InvalidAccessToken(name)
