"""A new stack is made in three deployments, as its database gets ready: nothing waits for what comes later."""

from typing import Any

import pytest

from tests.architecture.deployment import STACKS, of_type, resources_with, written

KINDS = pytest.mark.parametrize("kind", ["new", "existing"])
GROUPS = {"new": "TrialTargetGroup", "existing": "PortalTargetGroup"}


def _at(kind: str, state: str) -> Any:
    return resources_with(**{**STACKS[kind], "DatabaseState": state})


def _runs_by_itself(among: Any) -> set[str]:
    """What starts functions without a caller: schedules and rules that are switched on."""
    kinds = ("AWS::Scheduler::Schedule", "AWS::Events::Rule")
    return {n for kind in kinds for n, body in of_type(kind, among).items() if body["State"] == "ENABLED"}


@KINDS
def test_no_target_group_waits_for_users_that_are_not_made(kind: str) -> None:
    assert not of_type("AWS::RDS::DBProxyTargetGroup", _at(kind, "empty"))
    assert list(of_type("AWS::RDS::DBProxyTargetGroup", _at(kind, "users"))) == [GROUPS[kind]]
    assert list(of_type("AWS::RDS::DBProxyTargetGroup", _at(kind, "complete"))) == [GROUPS[kind]]


@KINDS
def test_the_first_deployment_makes_what_the_users_are_made_of(kind: str) -> None:
    first = _at(kind, "empty")

    assert len(of_type("AWS::SecretsManager::Secret", first)) == 3
    assert len(of_type("AWS::RDS::DBProxy", first)) == 1
    assert len(of_type("AWS::RDS::DBCluster", first)) == (kind == "new")
    needed = {"DatabaseUserSecrets", "DatabaseName", "MigrateFunctionName"}
    assert needed <= set(written()["Outputs"])


@pytest.mark.parametrize("kind", ["new", "existing", "existing-proxy"])
def test_nothing_runs_by_the_clock_or_on_an_event_before_there_are_tables(kind: str) -> None:
    assert _runs_by_itself(_at(kind, "empty")) == _runs_by_itself(_at(kind, "users")) == set()
    assert len(_runs_by_itself(_at(kind, "complete"))) == 4


def test_nobody_is_called_because_nothing_runs_yet() -> None:
    for state, acts in (("empty", False), ("users", False), ("complete", True)):
        alarms = of_type("AWS::CloudWatch::Alarm", _at("new", state))
        breaching = {n: a for n, a in alarms.items() if a["TreatMissingData"] == "breaching"}
        assert {a.get("ActionsEnabled", True) for a in breaching.values()} == {acts}


def test_the_proxy_of_a_new_database_waits_for_its_instance() -> None:
    """By what CloudFormation has for it, DependsOn, in a resource that is made under the instance's condition."""
    group = written()["Resources"]["TrialTargetGroup"]

    assert group["DependsOn"] == "DatabaseInstance"
    assert "Tags" not in group["Properties"]
    conditions = written()["Conditions"]
    assert {"Condition": "MakesDatabase"} in conditions[group["Condition"]]["Fn::And"]
