"""The mapping's file is read strictly: what it may not say, says twice or at the wrong place is refused."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth_tokens.adapters import portal_map
from auth_tokens.adapters.mysql import ends, portal, rotations, standing, token_table
from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.adapters.portal_map import PortalMapError, mapping_of, parsed, read_mapping
from auth_tokens.domain.portal_mapping import OWN_TABLES, PreferenceDocument, PreferenceRows
from tests.support.portals import EXAMPLES, FOLDER

DOCUMENTS = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
TEMPLATES = [
    *(token_table.SELECT_TOKEN, token_table.SELECT_DEVICE, rotations.ROTATE_TOKEN, standing.READ_UNDER_LOCK),
    *(
        ends.SELECT_USER_KNOWN,
        portal.SELECT_ACCOUNT_BY_NAME,
        portal.SELECT_ACCOUNT_BY_ID,
        portal.SHOW_PREFERENCES,
    ),
    *(portal.SELECT_KINDS_OF_HASHES, portal.UPGRADE_PASSWORD_HASH),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values within a JSON document, itself first."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def changed(name: str, path: tuple[Any, ...], value: object) -> str:
    """An example with one value replaced."""
    document = copy.deepcopy(DOCUMENTS[name])
    if not path:
        return json.dumps(value)
    at(document, path[:-1])[path[-1]] = value
    return json.dumps(document)


def test_the_default_file_is_what_holds_without_a_file() -> None:
    assert EXAMPLES["default"] == OWN_TABLES == mapping_of("")


def test_the_examples_keep_preferences_in_each_way() -> None:
    kinds = {type(m.preferences.kept_as) for m in EXAMPLES.values() if m.preferences}

    assert {PreferenceDocument, PreferenceRows} < kinds


OBJECTS = [
    (name, path)
    for name, document in DOCUMENTS.items()
    for path in places(document)
    if isinstance(at(document, path), dict)
]
VALUES = [(name, path) for name, document in DOCUMENTS.items() for path in places(document) if path]
_id = "{0[0]}:{0[1]}".format


@pytest.mark.parametrize(("name", "path"), OBJECTS, ids=map(str, OBJECTS))
def test_an_unknown_member_is_an_error_that_names_those_there_are(name: str, path: tuple[Any, ...]) -> None:
    with pytest.raises(PortalMapError, match=r"has no member 'sql': it has .*[a-z]"):
        parsed(changed(name, (*path, "sql"), "DROP TABLE auth_users"))


@pytest.mark.parametrize(("name", "path"), VALUES, ids=map(str, VALUES))
def test_a_value_of_another_type_is_an_error_that_names_its_member(name: str, path: tuple[Any, ...]) -> None:
    for wrong in ([], {}, 1.5, True, "", "a b;", "`", "x" * 65, 2**70, None):
        if wrong == at(DOCUMENTS[name], path) or (
            path[-1] in ("is", "is_sign_in", "set", "upgrade") and isinstance(wrong, bool | None)
        ):
            continue
        if path[-1] == "label" or path[-2:-1] == ("names",) or path[-1] == "is":
            continue  # texts with spaces are values there; the next test has those that are not
        if path[-2:-1] in (("paths",), ("columns",)) and wrong is None:
            continue
        with pytest.raises(PortalMapError, match=str(path[0])):
            parsed(changed(name, path, wrong))


@pytest.mark.parametrize(
    "text", ["", "it's", 'a"b', "a\\b", "a%b", "a`b", "a\nb", "é", "x" * 65, "a;b", "a--b/*"]
)
def test_a_constant_that_would_need_quoting_is_an_error(text: str) -> None:
    with pytest.raises(PortalMapError, match=r"active\[0\]\.is must be null, a whole number"):
        parsed(changed("default", ("users", "active", 0, "is"), text))
    with pytest.raises(PortalMapError, match=r"names\.max_sessions must be"):
        parsed(changed("uuid-bytes", ("preferences", "names", "max_sessions"), text))


@pytest.mark.parametrize(
    "path", ["", "$", "auth", "$.", "$.a b", "$.a'", "$[0]", "$.a[*]", "$..a", '$."a"', "$.a%s"]
)
def test_a_path_is_members_alone(path: str) -> None:
    with pytest.raises(PortalMapError, match="must be a path such as"):
        parsed(changed("knex-integer", ("preferences", "paths", "max_sessions"), path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "must be an object"),
        ("{}", "lacks version"),
        ('{"version": 2}', "version must be 1"),
        ('{"version": true}', "version must be 1"),
        ('{"version": 1}', "lacks users"),
        ('{"version": 1, "version": 1}', "there twice"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_mapping_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(PortalMapError, match=says):
        parsed(text)


def test_a_user_is_active_by_one_condition_at_least() -> None:
    with pytest.raises(PortalMapError, match=r"users.active must be a list of 1 to 8 conditions"):
        parsed(changed("default", ("users", "active"), []))


def test_labels_are_in_one_place() -> None:
    with pytest.raises(PortalMapError, match="either label or through"):
        parsed(changed("knex-integer", ("labels", "label"), "name"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PortalMapError, match=r"nowhere.json"):
        read_mapping(tmp_path / "nowhere.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff")
    with pytest.raises(PortalMapError, match=r"bytes.json"):
        mapping_of(str(tmp_path / "bytes.json"))


def test_the_deployed_file_holds_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = tmp_path / "portal_map.json"
    deployed.write_text((FOLDER / "uuid-bytes.json").read_text("utf-8"))
    monkeypatch.setattr(portal_map, "DEPLOYED", deployed)

    assert mapping_of("") == EXAMPLES["uuid-bytes"]
    assert mapping_of(str(FOLDER / "default.json")) == OWN_TABLES


def _planted(chance: random.Random) -> str:
    """A text as somebody would plant it, or mistype it."""
    marks = [
        "`",
        "'",
        '"',
        ";",
        "--",
        "/*",
        "%",
        "%s",
        "%(id)s",
        "{users}",
        "\\",
        "\0",
        "\n",
        " ",
        ".",
        "é",
        "）",
        "$",
    ]
    words = ["planted", "OR 1=1", "UNION SELECT", "users", "DROP TABLE", "0", "(", ")", "#", "auth_users"]
    return "".join(
        chance.choice(marks if chance.random() < 0.5 else words) for _ in range(chance.randint(1, 6))
    )


def test_no_value_of_a_mapping_reaches_sql_unquoted() -> None:
    """5,000 planted texts in each place: a mapping is refused, or the text stands within quotes and nowhere else."""
    chance = random.Random(18)
    taken = 0
    for _ in range(5000):
        name, path = chance.choice(VALUES)
        text = _planted(chance)
        try:
            mapping = parsed(changed(name, path, text))
        except PortalMapError:
            continue
        taken += 1
        for sql in map(PortalTables(mapping).sql, TEMPLATES):
            rest = sql.replace(f"`{text}`", "").replace(f"'{text}'", "")
            before = "".join(map(PortalTables(EXAMPLES[name]).sql, TEMPLATES))
            assert text in before or text not in rest, (path, text)
    assert 0 < taken < 1000
