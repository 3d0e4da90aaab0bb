"""Route scopes: which patterns there are, and what they open."""

import pytest

from auth_tokens.domain.route_scopes import METHODS, BadPattern, RouteScopes

NOT_PATTERNS = """
* /jobs GET GETjobs get/jobs GET//jobs GET/*/jobs GET/jo* */** **/jobs ANY/jobs GET/jobs? GET/${aws:username}
GET/jobs/*/ G*T/jobs $default GET/é
"""


@pytest.mark.parametrize("pattern", ["", " GET/jobs", "GET/jobs\n", *NOT_PATTERNS.split()])
def test_a_wildcard_elsewhere_or_an_odd_character_is_no_pattern(pattern: str) -> None:
    with pytest.raises(BadPattern):
        RouteScopes.of({pattern: ""})


@pytest.mark.parametrize(
    "pattern", ["GET/", "GET/*", "GET/jobs", "DELETE/jobs/*", "*/jobs/a_b~c.d-e", "$connect"]
)
def test_a_pattern_is_taken(pattern: str) -> None:
    assert RouteScopes.of({pattern: ""}).open_to("")


def test_any_method_is_written_out_as_an_iam_wildcard_would_span_slashes() -> None:
    assert RouteScopes.of({"*/jobs": "s"}).open_to("s") == [f"{method}/jobs" for method in METHODS]


def test_a_scope_opens_its_own_routes_and_those_that_need_none() -> None:
    scopes = RouteScopes.of({"GET/jobs": "jobs:read", "POST/jobs": "jobs:write", "GET/status": ""})

    assert scopes.open_to("jobs:read") == ["GET/jobs", "GET/status"]
    assert scopes.open_to("x jobs:write jobs:read") == ["GET/jobs", "POST/jobs", "GET/status"]
    assert scopes.open_to("jobs") == ["GET/status"]


def test_more_routes_than_a_policy_holds_are_refused() -> None:
    RouteScopes.of({f"GET/{n}": "" for n in range(55)})
    with pytest.raises(BadPattern):
        RouteScopes.of({f"GET/{n}": "" for n in range(65)})
