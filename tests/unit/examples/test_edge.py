"""examples/edge fits the service: what the distribution sends to its origin is what the service reads of an edge."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from auth_tokens.domain.edge import MIN_KEY_LENGTH, AddressSource, Edge
from auth_tokens.web.routes import ROUTES
from local.host.paths import ROOT
from tests.architecture.deployment import parameters

FOLDER = ROOT / "examples/edge"
TEMPLATE: Any = yaml_parse((FOLDER / "template.yaml").read_text("utf-8"))
RESOURCES = TEMPLATE["Resources"]
DISTRIBUTION = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]
BEHAVIOR = DISTRIBUTION["DefaultCacheBehavior"]
VIEWER = RESOURCES["ViewerPolicy"]["Properties"]["OriginRequestPolicyConfig"]


class Read(Mapping[str, str]):
    """Headers that remember which of them were asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_the_headers_that_are_sent_of_a_viewer_are_those_that_the_service_reads() -> None:
    read = Read()
    edge = Edge("x-edge-key", (b"",), AddressSource(parameters()["EdgeAddress"]["Default"]))

    edge.viewer_address(read, "192.0.2.1")
    edge.viewer_place(read, is_vouched_for=True)

    assert {name.lower() for name in VIEWER["HeadersConfig"]["Headers"]} == read.names


@pytest.mark.parametrize("member", ["Default", "AllowedPattern"])
def test_the_key_s_header_is_that_of_the_service(member: str) -> None:
    assert TEMPLATE["Parameters"]["EdgeKeyHeader"][member] == parameters()["EdgeKeyHeader"][member]


def test_the_key_comes_out_of_a_version_of_a_secret_and_stands_nowhere() -> None:
    [origin] = DISTRIBUTION["Origins"]
    [header] = origin["OriginCustomHeaders"]

    assert header["HeaderName"] == {"Ref": "EdgeKeyHeader"}
    assert header["HeaderValue"] == {
        "Fn::Sub": "{{resolve:secretsmanager:${EdgeKeySecretArn}:SecretString:::${EdgeKeyVersionId}}}"
    }
    assert (
        f"of {MIN_KEY_LENGTH} characters or more" in TEMPLATE["Parameters"]["EdgeKeySecretArn"]["Description"]
    )


def test_everything_of_the_viewer_gets_through_its_host_too() -> None:
    """Host must, with CloudFront's own headers: so the API has a custom domain, whose target is the origin."""
    assert VIEWER["HeadersConfig"]["HeaderBehavior"] == "allViewerAndWhitelistCloudFront"
    assert VIEWER["CookiesConfig"] == {"CookieBehavior": "all"}
    assert VIEWER["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert DISTRIBUTION["Aliases"] == [{"Ref": "DomainName"}]
    pattern = TEMPLATE["Parameters"]["OriginDomainName"]["AllowedPattern"]
    assert re.fullmatch(pattern, "d-0a1b2c3d4e.execute-api.eu-west-1.amazonaws.com")
    assert not re.fullmatch(pattern, "0a1b2c3d4e.execute-api.eu-west-1.amazonaws.com")


def test_every_method_of_the_service_gets_through_and_nothing_is_cached() -> None:
    assert {route.split(" ")[0] for route in ROUTES} | {"HEAD", "OPTIONS"} <= set(BEHAVIOR["AllowedMethods"])
    assert BEHAVIOR["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
    assert BEHAVIOR["ViewerProtocolPolicy"] == "https-only"


def test_the_firewall_counts_sign_ins_by_a_route_that_there_is() -> None:
    rules = {rule["Name"]: rule["Statement"] for rule in RESOURCES["Firewall"]["Properties"]["Rules"]}
    path = rules["sign-ins"]["RateBasedStatement"]["ScopeDownStatement"]["ByteMatchStatement"]["SearchString"]

    assert f"POST {path}" in ROUTES
    assert {key for statement in rules.values() for key in statement} == {"RateBasedStatement"}


def test_the_page_gives_every_parameter_without_a_default_and_no_unknown_one() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")
    [command] = re.findall(r"aws cloudformation deploy .*\\\n(?:.*\\\n)*.*", page)
    needed = {name for name, spec in TEMPLATE["Parameters"].items() if "Default" not in spec}

    assert set(re.findall(r"\b([A-Z]\w+)=", command)) == needed
    ours = set(re.findall(r"\b((?:[A-Z][a-z]+)+)=", page)) - set(TEMPLATE["Parameters"]) - {"OutputKey"}
    assert ours <= set(parameters())


def test_it_is_linted_with_the_service() -> None:
    assert re.search(r"cfn-lint .*examples/\*/template\.yaml", (ROOT / "Makefile").read_text("utf-8"))
