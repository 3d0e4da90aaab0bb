"""What a page of another origin may read of an answer."""

import pytest

from auth_tokens.web.cors import cors_headers
from auth_tokens.web.requests import request_from


def asked_by(origin: str) -> dict[str, str]:
    event = {"requestContext": {"http": {"sourceIp": "192.0.2.7"}}, "headers": {"origin": origin}}
    return cors_headers(request_from(event), ["https://portal.test"])


@pytest.mark.parametrize("name", ["date", "dpop-nonce", "retry-after", "www-authenticate"])
def test_a_configured_origin_may_read_what_a_retry_needs(name: str) -> None:
    assert name in asked_by("https://portal.test")["Access-Control-Expose-Headers"].split(", ")


def test_another_origin_may_read_nothing() -> None:
    assert asked_by("https://elsewhere.test") == {"Vary": "Origin"}
