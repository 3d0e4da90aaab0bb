"""The scans tell a finding, a good answer and no answer apart."""

import json
from typing import Any

import pytest

from tools.scan.answers import Answer, npm_answer, pip_answer

GOOD: dict[str, Any] = {"name": "pyjwt", "version": "2.13.0", "vulns": []}
BAD = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-2019-217"}]}
SKIPPED = {"name": "boto3", "skip_reason": "Dependency not found on PyPI"}


def pip(*dependencies: dict[str, Any]) -> Answer:
    return pip_answer("a lock", json.dumps({"dependencies": dependencies, "fixes": []}))


def test_packages_without_a_known_fault_are_good() -> None:
    assert pip(GOOD) == Answer("a lock")


def test_a_known_fault_is_found_with_its_name() -> None:
    assert pip(GOOD, BAD).findings == ("jinja2 2.10 PYSEC-2019-217",)


def test_a_package_that_was_skipped_was_not_scanned_though_the_auditor_ends_well() -> None:
    assert "1 of 2 packages" in pip(GOOD, SKIPPED).unanswered


def test_a_fault_is_found_beside_packages_that_were_skipped() -> None:
    assert pip(BAD, SKIPPED).line.startswith("FOUND a lock")


@pytest.mark.parametrize("text", ["", "No network", "[]", "{}", '{"dependencies": []}', "null"])
def test_no_answer_of_pip_audit_is_no_good_news(text: str) -> None:
    assert pip_answer("a lock", text).line.startswith("NOT SCANNED")


@pytest.mark.parametrize("text", ["", "{}", '{"message": "405 Method Not Allowed"}', '{"error": {}}', "null"])
def test_no_answer_of_npm_is_no_good_news(text: str) -> None:
    assert npm_answer("a lock", text).line.startswith("NOT SCANNED")


def test_npm_s_findings_are_named() -> None:
    assert npm_answer("a lock", '{"vulnerabilities": {}}') == Answer("a lock")
    found = npm_answer("a lock", '{"vulnerabilities": {"left-pad": {"severity": "high"}}}')
    assert found.findings == ("left-pad high",)
