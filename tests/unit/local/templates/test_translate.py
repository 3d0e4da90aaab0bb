"""A template is translated once for all that ask, anew where it has changed, and nobody changes another's copy."""

import os
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from local.templates.stacks import OPERATIONS
from local.templates.translate import as_written, translate


def test_a_template_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Parameters: {One: {Type: String}}")
    os.utime(template, ns=(1, 1))
    before = translate(template, {}), as_written(template)

    template.write_text("Parameters: {Two: {Type: String}}")

    assert [list(each["Parameters"]) for each in before] == [["One"], ["One"]]
    assert [list(each["Parameters"]) for each in (translate(template, {}), as_written(template))] == [
        ["Two"],
        ["Two"],
    ]


def test_what_is_returned_is_the_caller_s_own(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Parameters: {One: {Type: String}}")

    translate(template, {})["Parameters"].clear()
    as_written(template)["Parameters"].clear()

    assert translate(template, {}) == as_written(template) == {"Parameters": {"One": {"Type": "String"}}}


def test_a_template_is_read_as_the_translator_reads_it() -> None:
    assert as_written(OPERATIONS) == yaml_parse(OPERATIONS.read_text("utf-8"))
