"""samconfig.toml: dev, stage and prod, each with parameters that the template has and takes."""

import re
import tomllib
from typing import Any

import pytest

from local.environment import ROOT
from tests.architecture.deployment import MAX_STACK_NAME, of_type, parameters, resources_with

CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
STAGES = {"dev": "default", "stage": "stage", "prod": "prod"}
EACH = pytest.mark.parametrize("stage", STAGES)


def given(stage: str) -> dict[str, str]:
    overrides: list[str] = CONFIG[STAGES[stage]]["deploy"]["parameters"]["parameter_overrides"]
    return dict(pair.split("=", 1) for pair in overrides)


@EACH
def test_a_stage_gives_every_parameter_without_a_default_and_no_unknown_one(stage: str) -> None:
    needed = {name for name, parameter in parameters().items() if "Default" not in parameter}

    assert needed <= set(given(stage)) <= set(parameters())
    assert given(stage)["Stage"] == stage


@EACH
def test_a_stage_s_values_are_allowed(stage: str) -> None:
    for name, value in given(stage).items():
        parameter: Any = parameters()[name]
        assert value in [str(allowed) for allowed in parameter.get("AllowedValues", [value])], name
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value), name


@EACH
def test_a_stage_s_stack_has_a_name_of_its_own_no_longer_than_names_made_of_it_may_be(stage: str) -> None:
    name = CONFIG[STAGES[stage]]["global"]["parameters"]["stack_name"]
    names = [CONFIG[config]["global"]["parameters"]["stack_name"] for config in STAGES.values()]

    assert names.count(name) == 1
    assert len(name) <= MAX_STACK_NAME


def test_prod_moves_traffic_slowly_bounds_concurrency_and_calls_somebody() -> None:
    prod = resources_with(**given("prod"))

    assert {
        g["DeploymentConfigName"] for g in of_type("AWS::CodeDeploy::DeploymentGroup", prod).values()
    } == {"CodeDeployDefault.LambdaCanary10Percent5Minutes"}
    assert all("ReservedConcurrentExecutions" in f for f in of_type("AWS::Lambda::Function", prod).values())
    assert all(alarm["AlarmActions"] for alarm in of_type("AWS::CloudWatch::Alarm", prod).values())
    assert of_type("AWS::RDS::DBCluster", prod) == {}
