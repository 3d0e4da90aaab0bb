"""Each block of code in a page is run by a test, or says why it cannot be and is checked in its form."""

import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import click
import pytest
from botocore import xform_name

from deploy.__main__ import _parser as parser_of_deploy
from deploy.database_users import CLASSES
from tests.docs.markdown import BY_CURL, DEPLOY_PAGES, DOCS, README, ROOT, Block, blocks
from tests.docs.shell import missing
from tokens_command.program import cli as tokens

PAGES = [
    README,
    ROOT / "CONTRIBUTING.md",
    *(page for page in sorted(DOCS.rglob("*.md")) if page.parent.name != "adr"),
]
ALL = [block for page in PAGES for block in blocks(page)]
# Pages whose blocks a test of their own runs: which.
RUN_ELSEWHERE = {
    "README.md": "tests/e2e/test_readme.py",
    "docs/how-to/adoption.md": "tests/e2e/test_adoption.py",
    "docs/how-to/authorizer.md": "tests/e2e/test_jobs_api.py",
    **{str(page.relative_to(ROOT)): "tests/deployment/test_deployment.py" for page in DEPLOY_PAGES},
    "docs/reference/tokens.md": "tests/docs/test_tokens.py",
    "docs/tutorials/by-curl.md": "tests/e2e/test_readme.py",
}
# Blocks of `sh`: commands that no test can run, and why. Their form is checked.
LONG = "it starts what tests start otherwise, or what takes minutes"
AWS = "it needs an AWS account; tests/deployment runs what an emulator can"
NOT_RUN = {
    "CONTRIBUTING.md": LONG,
    "README.md": LONG,
    "docs/explanation/conformance.md": LONG,
    "docs/explanation/model.md": LONG,
    "docs/explanation/soak.md": LONG,
    "docs/how-to/change-database-passwords.md": AWS,
    "docs/how-to/migrate.md": AWS,
    "docs/how-to/probe-proofs.md": AWS,
    "docs/how-to/run-the-tests.md": LONG,
    "docs/reference/command.md": "it installs from a package registry",
    "docs/reference/commands.md": "it needs Docker, or is tests/handlers/test_events.py by another name",
    "docs/how-to/choose-a-mode.md": "tests/e2e/test_make_run.py starts it with an origin",
    "docs/how-to/feed-a-siem.md": AWS,
    "docs/how-to/revoke-before.md": "it ends what other pages began",
    "docs/runbook/README.md": AWS,
    "docs/runbook/a-function-fails.md": AWS,
    "docs/runbook/a-secret-has-leaked.md": "the next key is too young in a new service",
    "docs/runbook/dead-letters.md": AWS,
    "docs/tutorials/first-client-python.md": "a test reaches no package registry, and the service runs already",
    "docs/tutorials/first-client-typescript.md": "the service runs already",
}
RUN = {"bash", "js", "ts", "python"}
CHECKED = {"sh", "sql", "json", "text", "mermaid", "hcl", ""}
RUN_HERE = [
    page
    for page in PAGES
    if str(page.relative_to(ROOT)) not in RUN_ELSEWHERE
    and any(block.language in RUN for block in blocks(page))
]
# Shown in a page, and tested where they are.
EXAMPLES = {path.read_text("utf-8") for path in (ROOT / "examples" / "attach").iterdir()}
# Of the AWS CLI itself, not of an operation.
CLI_OPTIONS = {"query", "output", "cli-binary-format", "cli-read-timeout", "region"}
RENAMED = {"no-enable-termination-protection": "enable-termination-protection"}


def _name(block: Block) -> str:
    return str(block.page.relative_to(ROOT))


def test_each_block_is_of_a_language_that_is_run_or_checked() -> None:
    assert [(_name(b), b.language) for b in ALL if b.language not in RUN | CHECKED] == []


def test_a_program_in_a_page_whose_commands_are_run_is_saved_and_so_run() -> None:
    programs = [b for b in ALL if b.page in RUN_HERE and b.language in RUN - {"bash"}]

    assert [(_name(b), b.text[:40]) for b in programs if not b.saved_as and b.text not in EXAMPLES] == []


def test_a_page_that_is_run_elsewhere_is_read_by_that_test() -> None:
    for page, test in RUN_ELSEWHERE.items():
        names = {"README.md": "README", str(BY_CURL.relative_to(ROOT)): "BY_CURL"}
        name = "DEPLOY_PAGES" if ROOT / page in DEPLOY_PAGES else names.get(page, Path(page).name)

        assert name in (ROOT / test).read_text("utf-8"), page


def test_what_is_not_run_says_why() -> None:
    assert set(NOT_RUN) == {_name(block) for block in ALL if block.language == "sh"}


@pytest.mark.parametrize("block", [b for b in ALL if b.language == "json"], ids=_name)
def test_json_in_a_page_is_json(block: Block) -> None:
    assert json.loads(block.text)


def _commands(program: str) -> list[list[str]]:
    """The calls of a program in the pages' scripts, wherever they stand on their line."""
    text = "\n".join(b.text for b in ALL if b.language in ("sh", "bash")).replace("\\\n", " ")
    found = re.findall(rf"{program} ([^\n;#|]*)", text)
    return [
        shlex.split(re.sub(r"\$\(out (\w+)( foundation)?\)", r"OUT_\1", call), posix=True) for call in found
    ]


def test_a_line_that_is_not_printed_or_comes_too_late_is_missed() -> None:
    printed = "first: 1\nsecond: 2\n"

    assert missing(["first: 1", "second: …"], printed) == []
    assert missing(["third: …"], printed) == ["third: …"]
    assert missing(["second: 2", "first: 1"], printed) == ["first: 1"]


@cache
def _session() -> Any:
    return botocore.session.get_session()


@pytest.mark.parametrize(
    "command", _commands(r"\baws(?= [a-z-]+ )"), ids=lambda command: " ".join(command[:2])
)
def test_a_command_of_the_aws_cli_exists_with_its_options(command: list[str]) -> None:
    service, operation, *rest = command
    model = _session().get_service_model(service)
    if operation == "wait":
        waiters = _session().get_waiter_model(service)
        name = {xform_name(waiter, "-"): waiter for waiter in waiters.waiter_names}[rest[0]]
        operation = xform_name(waiters.get_waiter(name).operation, "-")
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in operations
    members = model.operation_model(operations[operation]).input_shape.members
    known = {xform_name(member, "-") for member in members} | CLI_OPTIONS
    options = [word[2:] for word in rest if word.startswith("--")]
    assert {RENAMED.get(option, option) for option in options} <= known


@pytest.mark.parametrize("command", _commands(r"(?m:^ *|\$\()tokens"), ids=" ".join)
def test_a_command_of_tokens_exists_with_its_options(command: list[str]) -> None:
    """Its arguments are parsed, and nothing is done."""
    group, arguments = tokens, [word for word in command if not word.startswith(">")]
    context = click.Context(tokens)
    while isinstance(group, click.Group):
        _, found, arguments = group.resolve_command(context, arguments)
        assert found is not None
        group = found

    assert group.make_context("tokens", arguments)


@pytest.mark.parametrize("command", _commands(r"python -m deploy"), ids=" ".join)
def test_a_command_of_deploy_exists_with_its_options(command: list[str]) -> None:
    given = [word for part in command for word in (["s"] * len(CLASSES) if part == "$SECRETS" else [part])]

    assert parser_of_deploy().parse_args(given)
