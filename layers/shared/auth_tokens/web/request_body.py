"""Request bodies: form or JSON, each parameter once and of its type; a refusal names the parameter."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.nesting import MAX_NESTING, nests_too_deep
from auth_tokens.web.errors import PayloadTooLarge, UnsupportedMediaType
from auth_tokens.web.request_head import OWS
from auth_tokens.web.requests import Request
from auth_tokens.web.unknown_parameters import echoed_name, refuse_unknown_members

MAX_BODY_BYTES = 16_384
MAX_TEXT = 1024
MAX_IDEMPOTENCY_KEY = 255
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class BodyParameters:
    """A parsed body. Null and, in a form, the empty text count as absent."""

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def has(self, name: str) -> bool:
        """Is it there, of whatever type?"""
        return self._values.get(name) is not None

    def is_text(self, name: str, text: str) -> bool:
        """Is it there, and exactly this text?"""
        return bool(self._values.get(name) == text)

    def text(self, name: str, max_length: int = MAX_TEXT) -> str | None:
        """A text, or None where absent."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self._refuse(name, "must be a string")
        if len(value) > max_length:
            self._refuse(name, f"is longer than {max_length} characters")
        if "\0" in value or not _is_unicode(value):
            self._refuse(name, "must be without NUL and lone surrogates")
        return value

    def word(self, name: str, max_length: int) -> str | None:
        """A text of visible ASCII characters, or None where absent."""
        value = self.text(name, max_length)
        if value is not None and not _is_visible_ascii(value):
            self._refuse(name, "must be visible ASCII characters")
        return value

    def required_text(self, name: str, max_length: int = MAX_TEXT) -> str:
        """A text that must be there and not be empty."""
        value = self.text(name, max_length)
        if not value:
            self._refuse(name, "is missing")
        return value

    def flag(self, name: str) -> bool:
        """A boolean; False where absent."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            self._refuse(name, "must be true or false")
        return bool(value)

    def whole(self, name: str, what: str = "a whole number of 0 or more") -> int | None:
        """A whole number of 0 or more, or None where absent."""
        value = self._values.get(name)
        if value is None:
            return None
        if type(value) is not int or not 0 <= value < 2**40:
            self._refuse(name, f"must be {what}")
        return value

    def whole_or_text(self, name: str, what: str) -> int | str | None:
        """A whole number of 0 or more, a text, or None where absent. what: it has to be, for the refusal."""
        return self.text(name) if isinstance(self._values.get(name), str) else self.whole(name, what)

    def texts(self, name: str, max_items: int = 10) -> tuple[str, ...]:
        """A list of short texts without spaces, such as amr values; empty where absent."""
        value = self._values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > max_items:
            self._refuse(name, f"must be a list of at most {max_items} strings")
        if not all(isinstance(v, str) and 0 < len(v) <= 20 and v.isascii() and v.isalnum() for v in value):
            self._refuse(name, "must be a list of words of 1 to 20 letters and digits")
        return tuple(value)

    def ids(self, name: str, max_items: int) -> tuple[bytes, ...]:
        """A list of one UUID or more."""
        value = self._values.get(name)
        given = value if isinstance(value, list) else []
        found = [parse_uuid(each) if isinstance(each, str) else None for each in given]
        ids = tuple(each for each in found if each is not None)
        if not 1 <= len(given) <= max_items or len(ids) < len(given):
            self._refuse(name, f"must be a list of 1 to {max_items} ids (UUIDs)")
        return ids

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of some texts; the first is the default."""
        value = self.text(name)
        if value is None:
            return choices[0]
        if value not in choices:
            self._refuse(name, f"must be one of {', '.join(choices)}")
        return value

    def nested(self, name: str) -> "BodyParameters":
        """A JSON object; empty where absent."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, dict):
            self._refuse(name, "must be an object")
        return BodyParameters(value or {}, f"{self._path}{name}.")

    def _refuse(self, name: str, what: str) -> NoReturn:
        raise InvalidRequest(f"{self._path}{name} {what}.")


def parse_body(request: Request, *, form: bool = False, empty: bool = False) -> BodyParameters:
    """The body's parameters. form: the OAuth form is accepted besides JSON; empty: a missing body is accepted. Unknown
    parameters are ignored, except on operators' routes.

    Raises PayloadTooLarge, UnsupportedMediaType, InvalidRequest.
    """
    if len(request.body) > MAX_BODY_BYTES:
        raise PayloadTooLarge()
    if empty and not request.body:
        return BodyParameters({})
    media_type = request.headers.get("content-type", "").partition(";")[0].strip(OWS).lower()
    if form and media_type == _FORM:
        return BodyParameters(_form(_text(request)))
    if media_type == _JSON:
        members = _json_object(_text(request))
        refuse_unknown_members(request, members)
        return BodyParameters(members)
    raise UnsupportedMediaType(*((_FORM, _JSON) if form else (_JSON,)))


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header: 1 to 255 visible ASCII characters, or None where absent."""
    key = request.headers.get("idempotency-key")
    return checked_idempotency_key(key) if key is not None else None


def checked_idempotency_key(key: str) -> str:
    """A key from a header or from an event. Raises InvalidRequest."""
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or not _is_visible_ascii(key):
        raise InvalidRequest("Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return key


def _text(request: Request) -> str:
    try:
        return request.body.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidRequest("The body must be UTF-8.") from exc


def _form(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError as exc:
        raise InvalidRequest(f"The body must be {_FORM}, with at most 50 parameters.") from exc
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest(f"{echoed_name(name)} is repeated.")
    return {name: value for name, value in pairs if value}


def _json_object(text: str) -> dict[str, Any]:
    if nests_too_deep(text):
        raise InvalidRequest(f"The body nests deeper than {MAX_NESTING} levels.")
    try:
        parsed = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_json)
    except ValueError as exc:
        raise InvalidRequest("The body must be JSON (RFC 8259).") from exc
    if not isinstance(parsed, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(f"{echoed_name(repeated)} is repeated.")
    return members


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)


def _is_visible_ascii(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def _is_unicode(value: str) -> bool:
    """False for lone surrogates, which JSON can spell and UTF-8 cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
