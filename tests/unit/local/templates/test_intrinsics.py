"""Intrinsics are resolved as CloudFormation does, as far as the template uses them."""

from typing import Any

import pytest

from local.templates.intrinsics import Resolver, TemplateError

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Accounts": {"Type": "String", "Default": ""},
        "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
        "Partners": {"Type": "CommaDelimitedList", "Default": ""},
    },
    "Conditions": {
        "HasPartners": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Partners"}]}, ""]}]},
        "Never": {"Fn::Equals": ["a", "b"]},
    },
    "Resources": {"Proxy": {"Type": "AWS::RDS::DBProxy"}},
}
PADDED = {"Fn::Split": [",", {"Fn::Sub": "${Accounts},,"}]}


def resolver(**parameters: str) -> Resolver:
    return Resolver(TEMPLATE, {"Subnets": "subnet-1, subnet-2", **parameters})


@pytest.mark.parametrize("subnets", ["subnet-1,subnet-2", ["subnet-1", "subnet-2"]])
def test_a_list_parameter_is_a_list_however_it_is_given(subnets: Any) -> None:
    assert resolver(Subnets=subnets).resolve({"Ref": "Subnets"}) == ["subnet-1", "subnet-2"]


def test_an_empty_list_joins_to_nothing() -> None:
    assert resolver().resolve({"Fn::Join": ["", {"Ref": "Partners"}]}) == ""
    assert not resolver().holds("HasPartners")
    assert resolver(Partners="1,2").holds("HasPartners")


@pytest.mark.parametrize(
    ("accounts", "index", "selected"),
    [("", 0, ""), ("1", 0, "1"), ("1", 1, ""), ("1,2", "1", "2"), ("1,2", 2, "")],
)
def test_a_padded_list_has_each_of_its_places(accounts: str, index: Any, selected: str) -> None:
    assert resolver(Accounts=accounts).resolve({"Fn::Select": [index, PADDED]}) == selected


def test_a_place_that_a_list_has_not_is_a_fault_of_the_template() -> None:
    with pytest.raises(TemplateError, match="3"):
        resolver().resolve({"Fn::Select": [3, PADDED]})


def test_the_id_of_a_proxy_is_the_seventh_part_of_its_arn() -> None:
    arn = {"Fn::GetAtt": ["Proxy", "DBProxyArn"]}

    assert resolver().resolve({"Fn::Select": [6, {"Fn::Split": [":", arn]}]}) == "Proxy"


def test_an_if_within_an_if_may_leave_a_member_out() -> None:
    nothing = {"Ref": "AWS::NoValue"}
    nested = {"Fn::If": ["HasPartners", "a", {"Fn::If": ["Never", "b", nothing]}]}

    assert resolver().resolve({"kept": 1, "left_out": nested}) == {"kept": 1}
    assert resolver(Partners="1").resolve({"left_out": nested}) == {"left_out": "a"}
