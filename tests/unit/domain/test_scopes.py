"""Scopes: what may be asked of a grant, and what of it a user's labels allow."""

import pytest

from auth_tokens.domain.errors import InvalidScope
from auth_tokens.domain.scopes import granted_scope, permitted_scope

LABEL_SCOPES = {
    "admin": frozenset({"portal:admin", "portal:audit"}),
    "auditor": frozenset({"portal:audit"}),
}


@pytest.mark.parametrize(
    ("labels", "permitted"),
    [
        ((), "portal:read"),
        (("guest",), "portal:read"),
        (("auditor",), "portal:read portal:audit"),
        (("admin",), "portal:read portal:admin portal:audit"),
        (("Admin",), "portal:read"),
    ],
)
def test_a_scope_under_a_label_needs_one_of_its_labels(labels: tuple[str, ...], permitted: str) -> None:
    assert permitted_scope("portal:read portal:admin portal:audit", labels, LABEL_SCOPES) == permitted


def test_a_label_adds_nothing_to_what_the_client_may_have() -> None:
    assert permitted_scope("portal:read", ("admin",), LABEL_SCOPES) == "portal:read"


def test_without_the_setting_every_scope_is_everybodys() -> None:
    assert permitted_scope("portal:admin", (), {}) == "portal:admin"


def test_of_no_scope_at_all_nothing_can_be_asked() -> None:
    assert granted_scope(None, "") == ""
    with pytest.raises(InvalidScope):
        granted_scope("portal:read", "")


@pytest.mark.parametrize("malformed", ["", " ", "a  b", "a ", 'a"b', "a\\b", "é", "a\tb", "a" * 1025])
def test_a_malformed_scope_is_refused(malformed: str) -> None:
    with pytest.raises(InvalidScope):
        granted_scope(malformed, "a b")
