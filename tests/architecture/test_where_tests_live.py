"""Where a test goes: a unit test to the path of what it tests, an integration test to the folder of its subject."""

import ast
import re
from pathlib import Path

from tests.architecture.source import PACKAGE, ROOT, imports_of, is_within
from tests.docs.markdown import DOCS

TESTS = ROOT / "tests"
CODE = ("auth_tokens", "deploy", "local", "tokens_command", "tools")
UNIT_TESTS = sorted((TESTS / "unit").rglob("test_*.py"))
SUBJECTS = {path.parent.name for path in (TESTS / "integration").rglob("test_*.py")}

# Parts of use cases, which their tests meet through these.
PARTS = {
    "anomalies",
    "answers",
    "browser_session",
    "by_database",
    "cookies_by_feed",
    "current_token",
    "issue_deps",
    "presentation",
    "replaced_session",
    "reuse",
    "row_metadata",
    "session_builder",
    "session_deps",
    "taken_over",
    "takeover_deps",
}


def subject_of(test: Path) -> Path:
    """What a unit test is about: `tests/unit/domain/…` is the layer's `domain`, `tests/unit/deploy/…` the root's."""
    folder = test.parent.relative_to(TESTS / "unit")
    return PACKAGE / folder if (PACKAGE / folder).is_dir() else ROOT / folder


def is_at_its_place(test: Path, tree: ast.Module) -> bool:
    """Whether a unit test imports something of the folder that its own folder stands for, or nothing of the project."""
    subject = subject_of(test)
    base = PACKAGE.parent if subject.is_relative_to(PACKAGE) else ROOT
    package = ".".join(subject.relative_to(base).parts)
    own = {found.target for found in imports_of(tree) if is_within(found.target, CODE)}
    return not own or any(is_within(name, [package]) for name in own)


def test_a_unit_test_is_in_the_folder_of_what_it_imports() -> None:
    # The examples are templates, and functions that are loaded by their paths.
    elsewhere = [
        test
        for test in UNIT_TESTS
        if subject_of(test) != ROOT / "examples"
        and not (subject_of(test).is_dir() and is_at_its_place(test, ast.parse(test.read_text("utf-8"))))
    ]

    assert elsewhere == []


def test_a_test_that_is_named_after_a_module_of_the_layer_lies_at_its_path() -> None:
    modules = set(PACKAGE.rglob("*.py"))
    names = {module.name for module in modules}
    paths = [subject_of(test) / test.name.removeprefix("test_") for test in UNIT_TESTS]
    tested = [path for path in paths if path.is_relative_to(PACKAGE)]

    assert [path for path in tested if path.name in names and path not in modules] == []


def test_each_use_case_has_a_test_that_needs_no_database() -> None:
    usecases = PACKAGE / "usecases"
    modules = {path.relative_to(usecases) for path in usecases.rglob("*.py") if path.name != "__init__.py"}
    tested = {path.parent / path.name.removeprefix("test_") for path in UNIT_TESTS}
    without = {path.stem for path in modules if TESTS / "unit/usecases" / path not in tested}

    assert without == PARTS


def test_every_integration_test_is_in_the_folder_of_a_subject() -> None:
    assert [path.name for path in (TESTS / "integration").glob("test_*.py")] == []


def test_the_page_about_tests_names_the_subjects_of_the_integration_tests() -> None:
    text = (DOCS / "how-to" / "run-the-tests.md").read_text("utf-8")
    [line] = re.findall(r"^Subjects of `tests/integration`: (.*)\.$", text, re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", line)) == SUBJECTS


def test_a_unit_test_in_a_strange_folder_would_be_found() -> None:
    tree = ast.parse("from auth_tokens.domain.rotation import decide")

    assert is_at_its_place(TESTS / "unit/domain/test_rotation.py", tree)
    assert not is_at_its_place(TESTS / "unit/web/test_rotation.py", tree)
    assert not is_at_its_place(TESTS / "unit/deploy/test_rotation.py", tree)
