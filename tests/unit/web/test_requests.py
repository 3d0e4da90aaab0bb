"""What a request says of its caller."""

from auth_tokens.domain.places import Place
from auth_tokens.usecases.ports import Caller
from auth_tokens.web.requests import request_from


def event(**headers: str) -> dict[str, object]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "headers": named,
        "requestContext": {"http": {"sourceIp": "192.0.2.7", "userAgent": "app/1"}},
    }


def test_a_caller_is_placed_by_the_headers_of_cloudfront() -> None:
    request = request_from(
        event(
            CloudFront_Viewer_Country="IE",
            cloudfront_viewer_latitude="53.34980",
            cloudfront_viewer_longitude="-6.26030",
        )
    )

    assert request.caller == Caller("192.0.2.7", "app/1", Place("IE", (53.3, -6.3)))


def test_a_caller_without_those_headers_is_nowhere() -> None:
    assert request_from(event(x_viewer_country="IE")).caller.place is None


def test_a_place_moves_neither_address_nor_user_agent() -> None:
    request = request_from(event(x_forwarded_for="203.0.113.9", cloudfront_viewer_address="203.0.113.9:1"))

    assert request.caller.address == "192.0.2.7"
