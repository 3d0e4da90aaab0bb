"""The CI workflow runs make targets that exist, on the supported versions, with actions pinned by commit."""

import re
import tomllib
from typing import Any

import yaml

from local.host.paths import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEXT = "\n".join(path.read_text("utf-8") for path in FILES)
WORKFLOW: Any = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))


def _steps() -> list[Any]:
    return [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_every_action_is_pinned_by_a_commit_and_says_its_release() -> None:
    used = re.findall(r"uses: (.*)", TEXT)

    assert used
    assert [
        line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    ] == []


def test_every_step_of_ours_is_a_make_target() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    commands = [step["run"] for step in _steps() if "run" in step]

    assert {"make check", "make test"} == set(commands)
    assert {command.removeprefix("make ") for command in commands} <= targets


def test_the_supported_pythons_and_both_servers_are_tested() -> None:
    jobs = WORKFLOW["jobs"]

    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert jobs["test-mysql"]["services"]["mysql"]["image"] == "mysql:8.4"
    assert jobs["test-mysql"]["env"]["TOKENS_DB_URL"].startswith("mysql://root:")


def test_the_workflow_may_read_the_code_and_nothing_else() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "secrets." not in TEXT
    assert "pull_request_target" not in TEXT


def test_nothing_that_runs_before_a_merge_leaves_out_the_slow_tests() -> None:
    for name in ("Makefile", ".ci/run", ".github/workflows/ci.yml"):
        assert "slow" not in (ROOT / name).read_text("utf-8"), name
    pytest_options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"][
        "ini_options"
    ]
    assert "-m" not in pytest_options["addopts"]
