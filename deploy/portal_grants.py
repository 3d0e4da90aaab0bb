"""What reader and writer may do with the Portal's tables, by a mapping (docs/reference/portal.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


class NoMapping(ValueError):
    """The file is not a mapping that `make build` would take."""


def read_document(path: Path) -> Mapping[str, Any]:
    """The JSON of a mapping, which `make build` checks whole. Raises NoMapping."""
    try:
        document = json.loads(path.read_text("utf-8"))
        list(portal_grants(document, "any"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise NoMapping(
            f"{path} is no mapping ({type(exc).__name__}: {exc}): look at docs/reference/portal.md"
        ) from exc
    return document  # type: ignore[no-any-return]


def portal_grants(document: Mapping[str, Any], own_schema: str) -> Iterator[str]:
    """GRANT statements with the places `{reader}` and `{writer}`. Columns alone, but for a table of preferences that
    may lack some."""
    schema, users = document.get("schema") or own_schema, document["users"]
    table = f"{schema}.{_quoted(users['table'])}"
    read = [users[member]["column"] for member in ("id", "name")]
    read += [condition["column"] for condition in users["active"]]
    read += [users[member]["column"] for member in ("created", "tokens_valid_after") if member in users]
    password = users["password"]["column"]
    yield _grant("SELECT", read, table, "reader")
    yield _grant("SELECT", [*read, password], table, "writer")
    if users["password"]["upgrade"]:
        yield _grant("UPDATE", [password], table, "writer")
    for name, columns in (*_preferences(document), *_labels(document)):
        for user_class in ("reader", "writer"):
            yield _grant("SELECT", columns, f"{schema}.{_quoted(name)}", user_class)
    yield from _legacy(document.get("legacy_tokens"), schema)


def _legacy(legacy: Mapping[str, Any] | None, schema: str) -> Iterator[str]:
    """The writer looks an older token up, and marks its row where the mapping has a mark."""
    if legacy is None:
        return
    mark = [] if legacy["mark"] == "leave" else [legacy["mark"]["column"]]
    read = [legacy["id"], legacy["user"], legacy["token"]["column"]]
    read += [legacy["type"]["column"]] if "column" in legacy["type"] else []
    read += [condition["column"] for condition in legacy["live"]]
    read += [legacy[member]["column"] for member in ("ends", "created") if member in legacy]
    read += [legacy["device_name"]] if "device_name" in legacy else []
    table = f"{schema}.{_quoted(legacy['table'])}"
    yield _grant("SELECT", [*read, *mark], table, "writer")
    if mark:
        yield _grant("UPDATE", mark, table, "writer")


def _preferences(document: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    preferences = document.get("preferences")
    if preferences:
        named = [preferences[member] for member in ("json", "key", "value") if member in preferences]
        yield preferences["table"], [preferences["user"], *named] if named else []


def _labels(document: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    labels = document.get("labels")
    if not labels:
        return
    through = labels.get("through")
    yield labels["table"], [labels["user"], through["column"] if through else labels["label"]]
    if through:
        yield through["table"], [through["id"], through["label"]]


def _grant(privilege: str, columns: list[str], table: str, user_class: str) -> str:
    listed = ", ".join(map(_quoted, dict.fromkeys(columns)))
    return f"GRANT {privilege}{f' ({listed})' if listed else ''} ON {table} TO {{{user_class}}}@'%'"


def _quoted(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise NoMapping(f"{name!r} is no plain name")
    return f"`{name}`"
