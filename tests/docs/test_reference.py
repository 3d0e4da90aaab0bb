"""README.md and the pages of docs/reference that it led to say what the code does."""

import ast
import re

import pytest

from auth_tokens.domain.policy import PREFERENCES
from auth_tokens.web.routes import ROUTES, allowed_methods
from tests.docs.markdown import (
    BY_CURL,
    DOCS,
    PAGES,
    README,
    ROOT,
    ROUTES_PAGE,
    SETTINGS_PAGE,
    code_blocks,
    plain,
    table,
    tables,
)
from tests.support.declared_settings import SETTINGS, DeclaredSetting

ROWS = {row["Variable"].strip("`"): row for row in table(SETTINGS_PAGE, "Settings", "Variable").rows}


# The other routes of operators are called by the command (tests/e2e/test_command.py).
SIGNED_BY_HAND = {
    "/admin/revocations",
    "/admin/users/{user_id}/sessions",
    "/admin/users/{user_id}/revoke",
    "/admin/security/events",
    "/admin/security/summary",
}


def test_the_settings_table_has_every_setting_in_order() -> None:
    assert list(ROWS) == [setting.variable for setting in SETTINGS]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_row_has_the_default_unit_and_bounds_of_its_setting(setting: DeclaredSetting) -> None:
    row = ROWS[setting.variable]

    assert plain(row["Default"]) == ("required" if setting.default is None else setting.default or "empty")
    assert row["Unit"] == setting.unit
    if setting.bounds:
        assert row["Bounds"] == "{} to {}".format(*setting.bounds)
    elif setting.choices:
        assert plain(row["Bounds"]) == ", ".join(setting.choices)


def test_the_settings_that_a_user_may_override_are_the_preferences() -> None:
    names = [setting.name for setting in SETTINGS]
    limits = names[names.index("max_sessions") : names.index("notify_new_device") + 1]
    lifetimes = [name for name in names if name.endswith("_ttl_s")]

    text = SETTINGS_PAGE.read_text("utf-8")
    assert "Lifetimes and the settings from `MAX_SESSIONS` to `NOTIFY_NEW_DEVICE` (but `MAX_DEVICES`)" in text
    assert {*lifetimes, *limits} - {"max_devices"} == set(PREFERENCES)


def test_the_endpoints_table_is_the_route_list() -> None:
    rows = table(ROUTES_PAGE, "Routes", "Route").rows

    assert [row["Route"].strip("`") for row in rows] == list(ROUTES)


def test_each_endpoint_names_the_function_that_serves_it() -> None:
    for row in table(ROUTES_PAGE, "Routes", "Route").rows:
        assert row["Route"].strip("`") in _literals(row["Function"]), row


def _literals(function: str) -> set[str]:
    tree = ast.parse((ROOT / "functions" / function / "app.py").read_text("utf-8"))
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def test_a_guarantee_in_numbers_is_the_default_of_its_setting() -> None:
    for row in table(DOCS / "reference" / "guarantees.md", "Guarantees", "What").rows:
        default = plain(ROWS[row["Setting"].strip("`")]["Default"])

        assert re.match(rf"{default} s\b", row["How much"]), row


def test_the_sketch_shows_the_default_lifetime_and_delay() -> None:
    [sketch] = code_blocks(README, "mermaid")

    assert f"access token ({int(ROWS['ACCESS_TTL_S']['Default']) // 60} min)" in sketch
    assert f"refused within {ROWS['REVOCATION_MAX_STALENESS_S']['Default']} s" in sketch


def test_the_readme_counts_wrong_outcomes_as_the_page_of_conformance_does() -> None:
    heading = "What it does better, in figures"
    [row] = [row for row in table(README, heading, "").rows if "wrong outcomes" in row[""]]
    peers = dict(zip(PEERS, WRONG[1:], strict=True))
    said = (
        f"oidc-provider {peers['oidc-provider']}, "
        f"django-oauth-toolkit {peers['django-oauth-toolkit']} ({peers['protected']} with reuse protection), "
        f"simplejwt {peers['simplejwt']}, Authlib {peers['Authlib']}, better-auth {peers['better-auth']}"
    )

    assert f"of {ROUNDS} rounds" in row[""]
    assert row["This service"] == str(WRONG[0])
    assert row["Others that were measured"] == said


PEERS = ("oidc-provider", "django-oauth-toolkit", "protected", "simplejwt", "Authlib", "better-auth")
FIGURES = next(t for t in tables(DOCS / "explanation" / "conformance.md") if len(t.titles) == len(PEERS) + 2)
RIGHT = ("one successor", "session ended")
WRONG = [
    sum(
        int(number)
        for row in FIGURES.rows
        for number, outcome in re.findall(r"(\d+) (\w+ ?\w+)", plain(row[server]))
        if outcome not in RIGHT
    )
    for server in FIGURES.titles[1:]
]
ROUNDS = 50 * len(FIGURES.rows)


def test_the_tutorial_by_curl_calls_every_route_that_needs_no_id_of_a_device_or_session() -> None:
    called = {path.replace("$USER_ID", "{user_id}") for path in _called_paths()}
    paths = {route.split(" ")[1] for route in ROUTES}

    # What the pages call needs a browser: tests/e2e/test_pages.py.
    by_hand = {path for path in paths if not path.startswith(("/pages/", "/console/"))}
    by_hand -= {path for path in paths if path.startswith("/admin/") and path not in SIGNED_BY_HAND}
    assert {path for path in by_hand if not path.endswith(("{session_id}", "{device_id}"))} <= called


def test_the_tutorial_by_curl_calls_nothing_that_is_no_route() -> None:
    for path in _called_paths():
        is_local = path.startswith(("/examples/", "/_local/"))

        assert is_local or allowed_methods(path.replace("$USER_ID", "someone")), path


def _called_paths() -> set[str]:
    [script] = code_blocks(BY_CURL, "bash")
    return set(re.findall(r"\$BASE(/[^\s\"?]*)", script))


def test_every_make_target_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = {name for page in PAGES for name in _targets_named(page.read_text("utf-8"))}

    assert named >= {"run", "demo", "test", "check"}
    assert named <= targets


def _targets_named(text: str) -> list[str]:
    return re.findall(r"(?:`|^)make ([a-z][a-z-]*)", text, re.MULTILINE)


def test_every_function_and_folder_named_exists() -> None:
    functions = {row["Function"] for row in table(ROUTES_PAGE, "Routes", "Route").rows}
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    [layout] = [
        block for block in code_blocks(DOCS / "reference" / "layout.md", "") if "template.yaml" in block
    ]

    assert functions <= folders
    above = ROOT
    for indent, name in re.findall(r"^( *)(\S+)", layout, re.MULTILINE):
        if not indent:
            above = ROOT / name
        assert (above / name if indent else above).exists(), name


def test_the_sample_event_named_exists() -> None:
    text = (DOCS / "reference" / "commands.md").read_text("utf-8")
    for name in set(re.findall(r"events/[a-z_]+/[a-z_-]+\.json", text)):
        assert (ROOT / name).is_file(), name
