"""Section legacy_tokens of the mapping's file, read as strictly as the rest (adapters.portal_map)."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from auth_tokens.adapters.map_members import (
    Members,
    PortalMapError,
    conditions,
    constant,
    flag,
    identifier,
    one_of,
    plain_text,
    time,
)
from auth_tokens.domain.legacy_tokens import EndKind, LegacyTokens, Mark, SeenAgain, StoredForm
from auth_tokens.domain.portal_columns import TimeColumn
from auth_tokens.domain.tokens import TokenKind

# One class or character after another, each with a number of repeats: no group, no choice, and nothing that could take
# long for a text of bounded length.
_CLASS = r"(?:\[(?:[A-Za-z0-9](?:-[A-Za-z0-9])?|[_.~+/=]|-(?=\]))+\]|[A-Za-z0-9_~/=-])"
_SHAPE = re.compile(rf"(?:{_CLASS}(?:\{{\d{{1,3}}(?:,\d{{1,3}})?\}})?){{1,16}}", re.ASCII)
_COOKIE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_HMAC_FORMS = ("hex", "base64", "base64url", "raw")
_KINDS = {"refresh": TokenKind.REFRESH, "device": TokenKind.DEVICE}


def legacy_tokens(place: str, value: object) -> LegacyTokens:
    """Raises PortalMapError naming the member."""
    members = Members(place, value)
    token, stored, secret, shape = members.required("token", _token)
    column, kinds = members.required("type", _type)
    ends, end_kind = members.optional("ends", _ends) or (None, None)
    created, is_sign_in = members.optional("created", _created) or (None, False)
    tokens = LegacyTokens(
        table=members.required("table", identifier),
        id=members.required("id", identifier),
        user=members.required("user", identifier),
        token=token,
        stored=stored,
        secret=secret,
        shape=shape,
        type=column,
        kinds=kinds,
        live=members.required("live", conditions),
        ends=ends,
        end_kind=end_kind,
        created=created,
        created_is_sign_in=is_sign_in,
        client=members.required("client", _client),
        device_name=members.optional("device_name", identifier),
        cookie=members.optional("cookie", _cookie),
        mark=members.required("mark", _mark),
        seen_again=SeenAgain(members.required("seen_again", one_of(*(each.value for each in SeenAgain)))),
        accept_from=members.required("accept_from", _instant),
        accept_until=members.required("accept_until", _instant),
    )
    members.end()
    _check(place, tokens)
    return tokens


def _check(place: str, tokens: LegacyTokens) -> None:
    if tokens.accept_until <= tokens.accept_from:
        raise PortalMapError(f"{place}.accept_until must be after accept_from")
    if tokens.mark is not None and tokens.mark.is_now and tokens.ends is None:
        raise PortalMapError(
            f"{place}.mark.set may be now only where there are ends, whose kind of time it takes"
        )


def _token(place: str, value: object) -> tuple[str, StoredForm, bytes | None, re.Pattern[str]]:
    members = Members(place, value)
    column = members.required("column", identifier)
    stored, secret = members.required("stored", _stored)
    shape = members.required("shape", _shape)
    members.end()
    return column, stored, secret, shape


def _stored(place: str, value: object) -> tuple[StoredForm, bytes | None]:
    if not isinstance(value, dict):
        return StoredForm(one_of(*(form.value for form in StoredForm))(place, value)), None
    members = Members(place, value)
    form = members.required("hmac-sha256", one_of(*_HMAC_FORMS))
    secret = members.required("secret", _secret)
    members.end()
    return StoredForm(f"sha256-{form}"), secret


def _secret(place: str, value: object) -> bytes:
    members = Members(place, value)
    text = members.required("kms", lambda _, given: given)
    members.end()
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as exc:
        raise PortalMapError(
            f"{place}.kms must be a ciphertext of KMS in base64, never the key itself"
        ) from exc


def _shape(place: str, value: object) -> re.Pattern[str]:
    if not isinstance(value, str) or not _SHAPE.fullmatch(value):
        raise PortalMapError(
            f"{place} must be classes and characters with their numbers, such as [0-9a-f]{{80}}"
        )
    try:
        return re.compile(value, re.ASCII)
    except re.error as exc:  # [z-a], {9,1}
        raise PortalMapError(f"{place}: {exc}") from exc


def _type(place: str, value: object) -> tuple[str | None, Mapping[str, TokenKind]]:
    members = Members(place, value)
    if members.has("all"):
        kind = members.required("all", one_of(*_KINDS))
        members.end()
        return None, {"": _KINDS[kind]}
    column = members.required("column", identifier)
    named = {name: members.optional(name, _words) or () for name in _KINDS}
    members.end()
    kinds = {word: _KINDS[name] for name, words in named.items() for word in words}
    if not kinds or len(kinds) < sum(len(words) for words in named.values()):
        raise PortalMapError(f"{place} must name types that are refresh or device tokens, each once")
    return column, kinds


def _words(place: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 8:
        raise PortalMapError(f"{place} must be a list of 1 to 8 values")
    return tuple(plain_text(place, each) for each in value)


def _ends(place: str, value: object) -> tuple[TimeColumn, EndKind]:
    members = Members(place, value)
    kind = EndKind(members.required("kind", one_of(*(each.value for each in EndKind))))
    column = _rest_as_time(place, members)
    return column, kind


def _created(place: str, value: object) -> tuple[TimeColumn, bool]:
    members = Members(place, value)
    is_sign_in: bool = members.required("is_sign_in", flag)
    return _rest_as_time(place, members), is_sign_in


def _rest_as_time(place: str, members: Members) -> TimeColumn:
    column, (unit, zone) = members.required("column", identifier), members.required("time", time)
    members.end()
    return TimeColumn(column, unit, zone)


def _client(place: str, value: object) -> str:
    members = Members(place, value)
    client = members.required("default", plain_text)
    members.end()
    return str(client)


def _cookie(place: str, value: object) -> str:
    if not isinstance(value, str) or not _COOKIE.fullmatch(value):
        raise PortalMapError(f"{place} must be the name of a cookie")
    return value


def _mark(place: str, value: object) -> Mark | None:
    if value == "leave":
        return None
    members = Members(place, value)
    column, to = members.required("column", identifier), members.required("set", constant)
    members.end()
    return Mark(column, None, is_now=True) if to == "now" else Mark(column, to)


def _instant(place: str, value: Any) -> int:
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError
    except (TypeError, ValueError) as exc:
        raise PortalMapError(
            f"{place} must be an instant with its zone, such as 2027-01-10T06:00:00Z"
        ) from exc
    return int(instant.timestamp())
