"""samconfig.toml: dev, stage and prod, each of three stacks, with parameters that their templates have and take."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.host.paths import ROOT
from local.templates.stacks import FOUNDATION, OPERATIONS, PRODUCT
from tests.architecture.deployment import (
    MAX_STACK_NAME,
    PARAMETERS,
    of_type,
    parameters,
    resources_with,
    written_in,
)
from tests.architecture.test_template_change_set import refusals

CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
STAGES = ("dev", "stage", "prod")
EACH = pytest.mark.parametrize("stage", STAGES)
PARTS = {FOUNDATION: "-foundation", PRODUCT: "", OPERATIONS: "-operations"}


def of(stage: str, template: Path) -> dict[str, Any]:
    found: dict[str, Any] = CONFIG[f"{stage}{PARTS[template]}"]["deploy"]["parameters"]
    return found


def given(stage: str, template: Path) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in of(stage, template)["parameter_overrides"])


def all_given(stage: str) -> dict[str, str]:
    """For all three stacks; the resolver's product is called otherwise."""
    found = {name: value for part in PARTS for name, value in given(stage, part).items()}
    return {name: value for name, value in found.items() if name != "ProductStack"}


@EACH
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.stem)
def test_a_stage_gives_every_parameter_without_a_default_and_no_unknown_one(stage: str, part: Path) -> None:
    declared = written_in(part)["Parameters"]
    needed = {name for name, parameter in declared.items() if "Default" not in parameter}

    assert needed <= set(given(stage, part)) <= set(declared)


@EACH
def test_a_stage_is_said_where_it_counts(stage: str) -> None:
    assert given(stage, FOUNDATION).get("Stage", parameters()["Stage"]["Default"]) == stage


@EACH
def test_a_stage_s_values_are_allowed(stage: str) -> None:
    for name, value in all_given(stage).items():
        parameter: Any = parameters()[name]
        assert value in [str(allowed) for allowed in parameter.get("AllowedValues", [value])], name
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value), name
    assert refusals(**all_given(stage)) == []


@EACH
def test_a_stage_s_stack_has_a_name_of_its_own_no_longer_than_names_made_of_it_may_be(stage: str) -> None:
    name = of(stage, PRODUCT)["stack_name"]
    names = [of(other, part)["stack_name"] for other in STAGES for part in PARTS]

    assert names.count(name) == 1
    assert len(set(names)) == len(names)
    assert len(name) <= MAX_STACK_NAME


@EACH
def test_a_stage_s_stacks_know_each_other_and_their_templates(stage: str) -> None:
    product = of(stage, PRODUCT)["stack_name"]

    for part, suffix in PARTS.items():
        assert of(stage, part)["stack_name"] == f"{product}{suffix}"
        assert (ROOT / of(stage, part).get("template_file", PRODUCT.name)) == part
        assert given(stage, part).get("ProductStack", product) == product


def test_dev_is_the_templates_default() -> None:
    assert parameters()["ProductStack"]["Default"] == of("dev", PRODUCT)["stack_name"]


def test_how_far_a_database_is_stands_in_no_file_where_it_would_be_set_back() -> None:
    assert not [stage for stage in STAGES if {"DatabaseUsers", "DatabaseTables"} & set(all_given(stage))]


def test_prod_moves_traffic_slowly_bounds_concurrency_and_calls_somebody() -> None:
    prod = resources_with(**PARAMETERS | all_given("prod"))

    assert {
        g["DeploymentConfigName"] for g in of_type("AWS::CodeDeploy::DeploymentGroup", prod).values()
    } == {"CodeDeployDefault.LambdaCanary10Percent5Minutes"}
    assert all("ReservedConcurrentExecutions" in f for f in of_type("AWS::Lambda::Function", prod).values())
    called = [name for name, body in prod.items() if body.get("Properties", {}).get("AlarmActions")]
    assert {"NewVersionFailsAlarm", "RevocationsLateAlarm", "ServerErrorAlarm"} <= set(called)
    assert of_type("AWS::RDS::DBCluster", prod) == {}


def test_a_stack_has_the_longest_name_at_most_that_names_made_of_it_may_have() -> None:
    for template in (FOUNDATION, OPERATIONS):
        pattern = written_in(template)["Parameters"]["ProductStack"]["AllowedPattern"]
        assert re.fullmatch(pattern, "x" * MAX_STACK_NAME)
        assert not re.fullmatch(pattern, "x" * (MAX_STACK_NAME + 1))
