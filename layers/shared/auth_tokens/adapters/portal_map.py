"""The mapping's file: JSON of a closed vocabulary, read strictly. docs/reference/portal.md has its members.

An unknown member, a member of another type and a name that is no plain identifier are errors: no SQL, and nothing that
would need quoting, comes from a mapping.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auth_tokens.adapters.legacy_map import legacy_tokens
from auth_tokens.adapters.map_members import (
    Members,
    Parser,
    PortalMapError,
    conditions,
    flag,
    identifier,
    one_of,
    plain_text,
    time_column,
)
from auth_tokens.domain.policy import PREFERENCES
from auth_tokens.domain.portal_mapping import (
    OWN_TABLES,
    JoinedLabels,
    LabelTable,
    PortalMapping,
    PreferenceColumns,
    PreferenceDocument,
    PreferenceRows,
    PreferenceTable,
    UserTable,
)
from auth_tokens.domain.user_ids import IdForm

# In the layer, beside this package; `make build PORTAL_MAP=…` puts it there.
DEPLOYED = Path(__file__).parents[2] / "portal_map.json"

_PATH = re.compile(r"\$(\.[A-Za-z_][A-Za-z0-9_]{0,63}){1,8}", re.ASCII)


def mapping_of(file: str) -> PortalMapping:
    """What holds in this environment: a named file, else the deployed one, else OWN_TABLES. Raises PortalMapError."""
    if file:
        return read_mapping(Path(file))
    return read_mapping(DEPLOYED) if DEPLOYED.is_file() else OWN_TABLES


def document_of(file: str) -> Any:
    """The JSON of the mapping that holds; None where it is OWN_TABLES without a file. For the doctor, who compares
    rights with it. Raises PortalMapError."""
    path = Path(file) if file else DEPLOYED
    if not file and not path.is_file():
        return None
    read_mapping(path)
    return json.loads(path.read_text("utf-8"))


def read_mapping(path: Path) -> PortalMapping:
    """Raises PortalMapError, which names the file."""
    try:
        return parsed(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, PortalMapError) as exc:
        raise PortalMapError(f"{path}: {exc}") from exc


def parsed(text: str) -> PortalMapping:
    """Raises PortalMapError."""
    try:
        document = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as exc:
        raise PortalMapError(f"it is not JSON: {exc}") from exc
    members = Members("the mapping", document)
    members.constant("version", 1)
    mapping = PortalMapping(
        schema=members.optional("schema", identifier),
        users=members.required("users", _users),
        preferences=members.optional("preferences", _preferences),
        labels=members.optional("labels", _labels),
        legacy_tokens=members.optional("legacy_tokens", legacy_tokens),
    )
    members.end()
    _check(mapping)
    return mapping


def _check(mapping: PortalMapping) -> None:
    legacy, valid_after = mapping.legacy_tokens, mapping.users.tokens_valid_after
    if legacy and valid_after and legacy.created is None:
        raise PortalMapError("legacy_tokens lacks created, which users.tokens_valid_after is compared with")
    if legacy and mapping.schema is None and legacy.table == "auth_user_tokens":
        raise PortalMapError("legacy_tokens.table is this service's own table: the Portal's needs a schema")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _users(place: str, value: object) -> UserTable:
    members = Members(place, value)
    id_column, id_form = members.required("id", _id)
    password, upgrades = members.required("password", _password)
    table = UserTable(
        table=members.required("table", identifier),
        id=id_column,
        id_form=id_form,
        name=members.required("name", _column),
        password=password,
        upgrades_passwords=upgrades,
        active=members.required("active", conditions),
        created=members.optional("created", _column),
        tokens_valid_after=members.optional("tokens_valid_after", time_column),
    )
    members.end()
    return table


def _id(place: str, value: object) -> tuple[str, IdForm]:
    members = Members(place, value)
    column = members.required("column", identifier)
    form = members.required("as", one_of(*(form.value for form in IdForm)))
    members.end()
    return column, IdForm(form)


def _password(place: str, value: object) -> tuple[str, bool]:
    members = Members(place, value)
    column, upgrade = members.required("column", identifier), members.required("upgrade", flag)
    members.end()
    return column, upgrade


def _column(place: str, value: object) -> str:
    members = Members(place, value)
    column: str = members.required("column", identifier)
    members.end()
    return column


def _preferences(place: str, value: object) -> PreferenceTable:
    members = Members(place, value)
    table, user = members.required("table", identifier), members.required("user", identifier)
    kept_as = _kept_as(place, members)
    members.end()
    return PreferenceTable(table, user, kept_as)


def _kept_as(place: str, members: Members) -> PreferenceColumns | PreferenceDocument | PreferenceRows:
    if members.has("columns"):
        return PreferenceColumns(members.required("columns", _columns))
    if members.has("json"):
        return PreferenceDocument(
            members.required("json", identifier), members.required("paths", _by_preference(_path))
        )
    if members.has("key"):
        return PreferenceRows(
            members.required("key", identifier),
            members.required("value", identifier),
            members.required("names", _by_preference(plain_text)),
        )
    raise PortalMapError(f"{place} lacks one of columns, json (with paths), or key (with value and names)")


def _columns(place: str, value: object) -> Mapping[str, str]:
    if value == "*":
        return {name: name for name in PREFERENCES}
    columns: Mapping[str, str] = _by_preference(identifier)(place, value)
    return columns


def _by_preference(parse: Parser) -> Parser:
    def parse_all(place: str, value: object) -> Mapping[str, str]:
        members = Members(place, value)
        found = {name: members.optional(name, parse) for name in PREFERENCES}
        members.end()
        if not any(found.values()):
            raise PortalMapError(f"{place} must name one preference at least")
        return {name: given for name, given in found.items() if given is not None}

    return parse_all


def _path(place: str, value: object) -> str:
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        raise PortalMapError(f"{place} must be a path such as $.auth.maxSessions")
    return value


def _labels(place: str, value: object) -> LabelTable:
    members = Members(place, value)
    table, user = members.required("table", identifier), members.required("user", identifier)
    if members.has("label") == members.has("through"):
        raise PortalMapError(f"{place} must have either label or through")
    label = members.optional("label", identifier) or members.optional("through", _through)
    members.end()
    return LabelTable(table, user, label)


def _through(place: str, value: object) -> JoinedLabels:
    members = Members(place, value)
    names = [members.required(name, identifier) for name in ("column", "table", "id", "label")]
    members.end()
    return JoinedLabels(*names)
