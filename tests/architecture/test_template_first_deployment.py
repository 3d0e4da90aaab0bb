"""The stacks are made as their database gets ready: nothing waits for what comes later."""

from typing import Any

import pytest

from local.templates.intrinsics import TemplateError
from local.templates.stacks import OPERATIONS, ORDER, STACK, exports
from tests.architecture.change_set import imported_by, refused
from tests.architecture.deployment import STACKS, of_type, resources_with, translation, written

KINDS = pytest.mark.parametrize("kind", ["new", "existing"])
GROUPS = {"new": "TrialTargetGroup", "existing": "PortalTargetGroup"}


# How far a database is: nothing of ours in it, our users, our tables as well.
STATES = {
    "empty": {"DatabaseUsers": "absent", "DatabaseTables": "absent"},
    "users": {"DatabaseUsers": "made", "DatabaseTables": "absent"},
    "complete": {"DatabaseUsers": "made", "DatabaseTables": "made"},
}


def _at(kind: str, state: str) -> Any:
    return resources_with(**STACKS[kind], **STATES[state])


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
    """The alarms on what is missing are of the stack that cannot be made before."""
    for state, acts in (("empty", set()), ("users", set()), ("complete", {"true"})):
        alarms = of_type("AWS::CloudWatch::Alarm", _at("new", state))
        breaching = {n: a for n, a in alarms.items() if a["TreatMissingData"] == "breaching"}
        assert {a.get("ActionsEnabled", True) for a in breaching.values()} == acts


@pytest.mark.parametrize("state", ["empty", "users"])
def test_operations_cannot_be_deployed_before_there_are_tables(state: str) -> None:
    translated, resolver = translation(OPERATIONS, **STATES[state])

    with pytest.raises(TemplateError, match="no stack exports local-TablesAreMade"):
        resolver.resolve(translated["Resources"])


def test_a_stack_imports_of_those_that_are_made_before_it_alone() -> None:
    for template in ORDER:
        translated, resolver = translation(template, SigningMode="kms", CreateSigningKey="true")

        assert resolver.resolve(translated["Resources"])


def test_what_is_exported_is_named_after_the_product_and_some_stack_imports_it() -> None:
    """So a second set of stacks finds no name taken, and nothing is for good that nobody needs."""
    exported = {
        n for each in ORDER for given in STACKS.values() for n in exports(*translation(each, **given))
    }
    imported = {name for each in ORDER for given in STACKS.values() for name in imported_by(each, given)}

    assert exported == imported
    assert all(name.startswith(f"{STACK}-") for name in exported)


def test_what_runs_by_the_clock_cannot_be_switched_off_under_the_alarms_on_it() -> None:
    assert refused(STATES["complete"], STATES["users"]) == {"local-TablesAreMade"}


@pytest.mark.parametrize("parameter", ["DbName", "DbReaderUser", "SubnetIds", "CreateVpcEndpoints"])
def test_what_the_functions_stand_on_cannot_be_changed_under_them(parameter: str) -> None:
    assert refused({}, {parameter: {"CreateVpcEndpoints": "false"}.get(parameter, "others")}) != set()


def test_the_signing_key_can_be_made_at_any_time_and_not_be_taken_away_while_it_signs() -> None:
    without, made = {"CreateSigningKey": "false"}, {"CreateSigningKey": "true"}
    signs = {"SigningMode": "kms"}

    assert refused(without, made) == refused(made, without) == set()
    assert refused({**made, **signs}, {**without, **signs}) == {"local-SigningKeyArn"}


def test_the_proxy_of_a_new_database_waits_for_its_instance() -> None:
    """By what CloudFormation has for it, DependsOn, in a resource that is made under the instance's condition."""
    group = written()["Resources"]["TrialTargetGroup"]

    assert group["DependsOn"] == "DatabaseInstance"
    assert "Tags" not in group["Properties"]
    conditions = written()["Conditions"]
    assert {"Condition": "MakesDatabase"} in conditions[group["Condition"]]["Fn::And"]
