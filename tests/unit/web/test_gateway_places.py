"""Events are cut to what says where a request goes."""

from typing import Any

import pytest

from auth_tokens.web.gateway_places import places_of

HOST = "abcdef1234.execute-api.eu-west-1.amazonaws.com"
ARN = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/GET/jobs"
DEFAULT_ARN = ARN.replace("/prod/", "/$default/")
PUBLIC = {"abcdef1234/prod": ("https://api.example.com/jobs-api",)}


def rest(path: str, host: str = HOST, stage: str = "prod") -> dict[str, Any]:
    return {"requestContext": {"domainName": host, "stage": stage, "path": path}}


def http_1(path: str, host: str = HOST, stage: str = "prod") -> dict[str, Any]:
    return {"version": "1.0", **rest(path, host, stage)}


def http_2(path: str, host: str = HOST, stage: str = "prod") -> dict[str, Any]:
    return {"version": "2.0", "rawPath": path, "requestContext": {"domainName": host, "stage": stage}}


def socket(host: str = HOST, stage: str = "prod") -> dict[str, Any]:
    return {"requestContext": {"domainName": host, "stage": stage, "eventType": "CONNECT"}}


CASES: dict[str, tuple[dict[str, Any], str | None]] = {
    "REST": (rest("/prod/jobs"), f"https://{HOST}/prod/jobs"),
    "REST at a custom domain": (rest("/v1/jobs", "API.example.com"), "https://api.example.com/v1/jobs"),
    "REST, encoded as it was sent": (rest("/prod/a%2Fb%20c%25"), f"https://{HOST}/prod/a/b c%"),
    "REST, half an escape": (rest("/prod/a%2"), None),
    "REST, an escape that is no UTF-8": (rest("/prod/%ff"), None),
    "HTTP API 1.0, decoded by the gateway": (http_1("/prod/a/b c%2F"), f"https://{HOST}/prod/a/b c%2F"),
    "HTTP API 2.0, decoded by the gateway": (http_2("/prod/a/b c%2F"), f"https://{HOST}/prod/a/b c%2F"),
    "HTTP API 2.0 at the default stage": (http_2("/jobs", stage="$default"), f"https://{HOST}/jobs"),
    "HTTP API 2.0 under a mapping key": (
        http_2("/key/jobs", "api.example.com"),
        "https://api.example.com/key/jobs",
    ),
    "HTTP API 2.0 beyond ASCII": (http_2("/prod/ä"), f"https://{HOST}/prod/ä"),
    "a socket": (socket(), f"https://{HOST}/prod"),
    "a socket in China": (socket(f"{HOST}.cn"), f"https://{HOST}.cn/prod"),
    "a socket at a custom domain": (socket("socket.example.com"), None),
    "a socket at a name that ends like the gateway's": (socket(f"{HOST}.evil.example"), None),
    "no path": (http_2(""), None),
    "no host": (rest("/prod/jobs", ""), None),
    "a host that is none": (rest("/prod/jobs", "a b"), None),
    "a host with a path": (rest("/prod/jobs", "a/b"), None),
    "no context": ({}, None),
}
BEHIND_A_PROXY: dict[str, tuple[dict[str, Any], str, str]] = {
    "REST": (rest("/prod/jobs"), ARN, "https://api.example.com/jobs-api/jobs"),
    "HTTP API 1.0": (http_1("/prod/jobs"), ARN, "https://api.example.com/jobs-api/jobs"),
    "HTTP API 2.0": (http_2("/prod/jobs"), ARN, "https://api.example.com/jobs-api/jobs"),
    "the root": (http_2("/prod"), ARN, "https://api.example.com/jobs-api"),
    "the root with a slash": (http_2("/prod/"), ARN, "https://api.example.com/jobs-api/"),
    "a path that begins like the stage": (
        http_2("/production"),
        ARN,
        "https://api.example.com/jobs-api/production",
    ),
    "a custom domain, whose path has no stage": (
        http_2("/prod/jobs", "internal.example.com"),
        ARN,
        "https://api.example.com/jobs-api/prod/jobs",
    ),
    "a socket": (socket(), ARN.replace("GET/jobs", "$connect"), "https://api.example.com/jobs-api"),
    "another stage": (
        http_2("/dev/jobs", stage="dev"),
        ARN.replace("/prod/", "/dev/"),
        f"https://{HOST}/dev/jobs",
    ),
    "another API": (http_2("/prod/jobs"), ARN.replace("abcdef", "zzzzzz"), f"https://{HOST}/prod/jobs"),
    "an ARN that is none": (
        http_2("/prod/jobs"),
        ARN.replace("execute-api", "lambda"),
        f"https://{HOST}/prod/jobs",
    ),
}


@pytest.mark.parametrize(("event", "url"), CASES.values(), ids=CASES)
def test_the_gateway_s_own_name_says_where_a_request_goes(event: dict[str, Any], url: str | None) -> None:
    places = places_of(event, ARN, {})

    assert [place.origin + place.path for place in places] == ([url] if url else [])


@pytest.mark.parametrize(("event", "arn", "url"), BEHIND_A_PROXY.values(), ids=BEHIND_A_PROXY)
def test_a_public_address_replaces_the_gateway_s_name(event: dict[str, Any], arn: str, url: str) -> None:
    [place] = places_of(event, arn, PUBLIC)

    assert place.origin + place.path == url


def test_several_public_addresses_are_all_good() -> None:
    urls = {"abcdef1234/$default": ("https://api.example.com", "http://127.0.0.1:3000/x")}

    places = places_of(http_2("/jobs", stage="$default"), DEFAULT_ARN, urls)

    assert places == (("https://api.example.com", "/jobs"), ("http://127.0.0.1:3000", "/x/jobs"))
