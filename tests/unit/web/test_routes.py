"""Which methods a path takes, at whichever address of the API it is asked for."""

import pytest

from auth_tokens.web.routes import allowed_methods, path_of_route

PATHS: dict[str, tuple[tuple[str, str, str], str]] = {
    "the API's own domain": (("/auth/login", "", ""), "/auth/login"),
    "a named stage": (("/prod/auth/login", "prod", ""), "/auth/login"),
    "a mapping": (("/tokens/auth/login", "", "/tokens"), "/auth/login"),
    "a mapping of two segments": (("/v1/tokens/auth/login", "", "/v1/tokens"), "/auth/login"),
    "a mapping before a stage": (("/tokens/prod/auth/login", "prod", "/tokens"), "/auth/login"),
    "a stage before a mapping": (("/prod/tokens/auth/login", "prod", "/tokens"), "/auth/login"),
    "a mapping to a named stage": (("/tokens/auth/login", "prod", "/tokens"), "/auth/login"),
    "a named stage under a domain of its own": (("/auth/login", "prod", "/tokens"), "/auth/login"),
    "a parameter": (("/prod/auth/sessions/x", "prod", ""), "/auth/sessions/x"),
    "a stage called auth": (("/auth/auth/login", "auth", ""), "/auth/login"),
    "a stage called auth that is not there": (("/auth/login", "auth", ""), "/auth/login"),
    "a mapping called admin": (("/admin/admin/users/7/sessions", "", "/admin"), "/admin/users/7/sessions"),
}
NO_ROUTES: dict[str, tuple[str, str, str]] = {
    "another stage": ("/dev/auth/login", "prod", ""),
    "the stage alone": ("/prod", "prod", ""),
    "the stage with a slash": ("/prod/", "prod", ""),
    "a name that begins as the stage": ("/production/auth/login", "prod", ""),
    "the stage twice": ("/prod/prod/auth/login", "prod", ""),
    "the mapping twice": ("/tokens/tokens/auth/login", "prod", "/tokens"),
    "an empty segment": ("//auth/login", "", ""),
    "a slash at the end": ("/prod/auth/login/", "prod", ""),
    "an unknown path": ("/prod/auth/nothing", "prod", "/tokens"),
}


@pytest.mark.parametrize(("asked", "expected"), PATHS.values(), ids=PATHS)
def test_stage_and_base_path_are_no_part_of_a_route(asked: tuple[str, str, str], expected: str) -> None:
    assert path_of_route(*asked) == expected


@pytest.mark.parametrize("asked", NO_ROUTES.values(), ids=NO_ROUTES)
def test_what_is_no_route_stays_none(asked: tuple[str, str, str]) -> None:
    assert allowed_methods(path_of_route(*asked)) == ""


def test_head_is_allowed_where_get_is() -> None:
    assert allowed_methods("/auth/session") == "GET, HEAD"
    assert allowed_methods("/auth/sessions/x") == "DELETE"
