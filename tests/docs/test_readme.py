"""README.md says what the code does."""

import ast
import re
from dataclasses import MISSING, Field, fields

import pytest

from auth_tokens.settings import _BOUNDS, _CHOICES, _REQUIRED, Settings
from auth_tokens.web.routes import ROUTES, allowed_methods
from tests.docs.markdown import README, ROOT, code_blocks, plain, table

SETTINGS = {row["Variable"].strip("`"): row for row in table(README, "Settings", "Variable").rows}
TEXT = README.read_text("utf-8")
# The end of a setting's name → its unit.
UNITS = {"s": "s", "kib": "KiB"}


def test_the_settings_table_has_every_setting_in_order() -> None:
    assert list(SETTINGS) == [field.name.upper() for field in fields(Settings)]


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_a_setting_has_the_default_unit_and_bounds_of_the_code(field: Field[object]) -> None:
    row = SETTINGS[field.name.upper()]

    assert plain(row["Default"]) == _default(field)
    assert row["Unit"] == UNITS.get(field.name.rpartition("_")[2], "")
    if field.name in _BOUNDS:
        low, high = _BOUNDS[field.name]
        assert row["Bounds"] == f"{low} to {high}"
    elif field.name in _CHOICES:
        assert plain(row["Bounds"]) == ", ".join(_CHOICES[field.name])


def _default(field: Field[object]) -> str:
    if field.name in _REQUIRED:
        assert field.default is MISSING
        return "required"
    if isinstance(field.default, tuple):
        return " ".join(map(str, field.default)) or "empty"
    return str(field.default) if field.default != "" else "empty"


def test_the_endpoints_table_is_the_route_list() -> None:
    rows = table(README, "Endpoints", "Route").rows

    assert [row["Route"].strip("`") for row in rows] == list(ROUTES)


def test_each_endpoint_names_the_function_that_serves_it() -> None:
    for row in table(README, "Endpoints", "Route").rows:
        assert row["Route"].strip("`") in _literals(row["Function"]), row


def _literals(function: str) -> set[str]:
    tree = ast.parse((ROOT / "functions" / function / "app.py").read_text("utf-8"))
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def test_a_guarantee_in_numbers_is_the_default_of_its_setting() -> None:
    for row in table(README, "Guarantees", "What").rows:
        default = plain(SETTINGS[row["Setting"].strip("`")]["Default"])

        assert re.match(rf"{default} s\b", row["How much"]), row


def test_the_sketch_shows_the_default_lifetime_and_delay() -> None:
    [sketch] = code_blocks(README, "mermaid")

    assert f"access token ({int(SETTINGS['ACCESS_TTL_S']['Default']) // 60} min)" in sketch
    assert f"refused within {SETTINGS['REVOCATION_MAX_STALENESS_S']['Default']} s" in sketch


def test_the_quick_start_calls_every_route_that_needs_no_id_of_a_device_or_session() -> None:
    called = {path.replace("$USER_ID", "{user_id}") for path in _called_paths()}
    paths = {route.split(" ")[1] for route in ROUTES}

    # What the pages call needs a browser: tests/e2e/test_pages.py.
    by_hand = {path for path in paths if not path.startswith(("/pages/", "/console/"))}
    assert {path for path in by_hand if not path.endswith(("{session_id}", "{device_id}"))} <= called


def test_the_quick_start_calls_nothing_that_is_no_route() -> None:
    for path in _called_paths():
        is_local = path.startswith(("/examples/", "/_local/"))

        assert is_local or allowed_methods(path.replace("$USER_ID", "someone")), path


def _called_paths() -> set[str]:
    [script] = code_blocks(README, "bash")
    return set(re.findall(r"\$BASE(/[^\s\"?]*)", script))


def test_every_make_target_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", TEXT, re.MULTILINE))

    assert named >= {"run", "demo", "test", "check"}
    assert named <= targets


def test_every_function_and_folder_named_exists() -> None:
    functions = {row["Function"] for row in table(README, "Endpoints", "Route").rows}
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    [layout] = [block for block in code_blocks(README, "") if "template.yaml" in block]

    assert functions <= folders
    for name in re.findall(r"^(\S+)", layout, re.MULTILINE):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"^  (\S+)", layout, re.MULTILINE):
        assert (ROOT / "layers/shared/auth_tokens" / name).exists(), name


def test_the_sample_event_named_exists() -> None:
    for name in set(re.findall(r"events/[a-z_]+/[a-z_-]+\.json", TEXT)):
        assert (ROOT / name).is_file(), name
