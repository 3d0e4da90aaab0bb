"""Instants in requests: epoch seconds or ISO 8601 with a zone; a refusal has both forms, which are themselves taken."""

import re

import pytest

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.web.instants import instant_in, instant_of
from auth_tokens.web.issue_bodies import issue_request, session_options
from auth_tokens.web.request_body import BodyParameters

AT = 1796094000
SPELLINGS = ["1796094000", "2026-12-01T03:00Z", "2026-12-01T04:00:00+01:00", "2026-12-01T03:00:00.900Z"]
WRONG = [
    "yesterday",
    "2026-12-01",
    "2026-12-01T03:00",
    "-1",
    "1.5",
    "",
    "17960940000000",
    "1969-12-31T23:00Z",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_an_instant_is_taken_in_a_query_and_in_a_body(text: str) -> None:
    assert instant_of(text, "since") == AT
    assert instant_in(BodyParameters({"since": text}), "since") == AT


@pytest.mark.parametrize("text", WRONG)
def test_anything_else_is_refused_with_examples_that_are_taken(text: str) -> None:
    with pytest.raises(
        InvalidRequest, match=r"^since must be epoch seconds, or an ISO 8601 instant"
    ) as refused:
        instant_of(text, "since")

    examples = re.search(r"\((.*), (.*)\)", refused.value.description)
    assert examples is not None
    assert {instant_of(example, "since") for example in examples.groups()} == {AT}


@pytest.mark.parametrize("value", [True, 1.5, -1, [], {}], ids=repr)
def test_a_member_of_another_type_is_refused_with_the_unit(value: object) -> None:
    with pytest.raises(InvalidRequest, match=r"^before must be epoch seconds, .*, or now\.$"):
        instant_in(BodyParameters({"before": value}), "before", or_word="now")


def test_a_backend_says_in_either_form_when_its_user_authenticated_and_until_when() -> None:
    body = {"user_id": "u", "amr": ["pwd"], "auth_time": "2026-12-01T03:00Z", "not_after": AT + 1}
    parameters = BodyParameters(body)

    request = issue_request(parameters, session_options(parameters), None)

    assert (request.auth_time, request.not_after) == (AT, AT + 1)
