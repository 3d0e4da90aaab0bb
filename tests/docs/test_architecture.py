"""docs/explanation/architecture.md: what it names is there, and the path that it follows is a refresh's."""

import ast
import json
import re
import threading
from collections import defaultdict
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pymysql
import pytest
from pymysql.cursors import Cursor

from auth_tokens.web.routes import ROUTES
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack
from tests.docs.markdown import DOCS, ROOT, SETTINGS_PAGE, plain, table

PAGE = DOCS / "explanation" / "architecture.md"
TEXT = PAGE.read_text("utf-8")
LAYER = ROOT / "layers/shared/auth_tokens"
CODE = (LAYER, ROOT / "functions")
WHERE = tuple(f"{folder}/" for folder in CODE)
SQL = "".join(path.read_text("utf-8") for path in (ROOT / "functions/migrate/sql").glob("*.sql"))
SETTINGS = {plain(row["Variable"]) for row in table(SETTINGS_PAGE, "Settings", "Variable").rows}
STEPS = [(plain(row["File"]), plain(row["Name"])) for row in table(PAGE, "One refresh", "File").rows]
BESIDE = re.findall(r"`(\S+\.py)`", TEXT.partition("On the way it also passes")[2].partition("\n\n")[0])
IN_CODE = sorted(set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))))
# Neither a file nor a name of ours: commands, parameters.
OTHERS = {"make run", "grant_type", "grant_type=refresh_token", "app.py"}

Call = tuple[str, str]


@cache
def names(path: Path) -> frozenset[str]:
    """What a file defines: functions, classes, methods with their class, constants, members of enums."""
    return frozenset(_defined(ast.parse(path.read_text("utf-8")).body, ""))


def _defined(body: list[ast.stmt], prefix: str) -> set[str]:
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(f"{prefix}{node.name}")
        if isinstance(node, ast.ClassDef):
            found |= _defined(node.body, f"{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {f"{prefix}{target.id}" for target in targets if isinstance(target, ast.Name)}
    return found


@cache
def all_names() -> frozenset[str]:
    whole = frozenset().union(*(names(path) for folder in CODE for path in folder.rglob("*.py")))
    return whole | {name.rpartition(".")[2] for name in whole}


def exists(named: str) -> bool:
    """Whether something of this name is a file or folder, a function, a table, a setting, a route or a name in
    the code."""
    if "/" in named or named.endswith((".py", ".yaml", ".sql", ".md")):
        return named in ROUTES or file_of(named).exists()
    return (
        named in all_names()
        or (ROOT / "functions" / named / "app.py").exists()
        or named in SETTINGS
        or re.search(rf"CREATE TABLE IF NOT EXISTS {named}\b", SQL) is not None
    )


def file_of(named: str) -> Path:
    return ROOT / named if (ROOT / named).exists() else LAYER / named


def test_what_the_page_names_exists() -> None:
    assert [name for name in IN_CODE if name not in OTHERS and not exists(name)] == []


@pytest.mark.parametrize(("file", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_step_s_function_is_in_the_file_that_the_page_says(file: str, name: str) -> None:
    assert name in names(file_of(file))


@pytest.mark.parametrize(("name", "file"), re.findall(r"`([\w.]+)` in `(\S+\.py)`", TEXT))
def test_a_name_in_a_file_is_in_that_file(name: str, file: str) -> None:
    assert name in names(file_of(file))


def test_the_page_has_every_layer_and_every_function() -> None:
    layers = {plain(row["Layer"]).strip("/") for row in table(PAGE, "The layers", "Layer").rows}
    wings = table(PAGE, "The wings", "Wing").rows
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}

    assert layers == {"functions"} | {path.parent.name for path in LAYER.glob("*/__init__.py")}
    assert {name for row in wings for name in re.findall(r"`(\w+)`", row["Functions"])} == functions


def test_the_page_says_where_each_table_of_ours_is_read_and_written() -> None:
    rows = table(PAGE, "Where state lives", "State").rows
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row["Where"])}

    assert named == set(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", SQL))


def test_a_name_that_is_no_more_would_be_found() -> None:
    for gone in ("web/gone.py", "docs/gone.md", "gone", "TokenCodec.gone", "auth_token_gone", "GONE_S"):
        assert not exists(gone)


@pytest.fixture(scope="module")
def passed(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> list[Call]:
    """What a refresh calls in a warm environment, in order: (file as the page writes it, qualified name)."""
    by_thread: defaultdict[int, list[Call]] = defaultdict(list)

    def note(frame: FrameType, kind: str, _: Any) -> None:
        code = frame.f_code
        if kind == "call" and code.co_filename.startswith(WHERE):
            by_thread[threading.get_ident()].append((code.co_filename, code.co_qualname))

    threading.setprofile(note)  # for threads that start from now on: those of a stack of its own
    try:
        with new_stack(database, administrator, aws, "inprocess") as stack:
            stack.invoke("refresh", _refresh_event(stack))
            event = _refresh_event(stack)
            by_thread.clear()
            assert stack.invoke("refresh", event)["statusCode"] == 200
    finally:
        threading.setprofile(None)
    threads = [[(as_on_the_page(file), name) for file, name in calls] for calls in by_thread.values()]
    [calls] = [calls for calls in threads if ("functions/refresh/app.py", "post_token") in calls]
    return calls


def test_a_refresh_takes_the_steps_of_the_page_in_their_order(passed: list[Call]) -> None:
    left = iter(passed)
    missing = [step for step in STEPS if not any(_is_call_of(step, call) for call in left)]

    assert missing == []


def test_a_refresh_passes_through_no_file_but_those_of_the_page(passed: list[Call]) -> None:
    assert {file for file, _ in passed} == {file for file, _ in STEPS} | set(BESIDE)


def as_on_the_page(file: str) -> str:
    return Path(file).relative_to(LAYER if file.startswith(WHERE[0]) else ROOT).as_posix()


def _is_call_of(step: Call, call: Call) -> bool:
    """A decorator or a maker of handlers is passed in the function that it made."""
    return call[0] == step[0] and f"{call[1]}.".startswith(f"{step[1]}.")


def _refresh_event(stack: LocalStack) -> dict[str, Any]:
    login = json.loads((ROOT / "events/issue/login.json").read_text("utf-8"))
    login["body"] = json.dumps({"username": USERS[1].username, "password": PASSWORD})
    token = json.loads(stack.invoke("issue", login)["body"])["refresh_token"]
    text = (ROOT / "events/refresh/refresh.json").read_text("utf-8")
    event: dict[str, Any] = json.loads(text.replace("{{refresh_token}}", token))
    return event
