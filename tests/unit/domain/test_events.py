"""Events say only what their type may say."""

import pytest

from auth_tokens.domain.events import EventType, SecurityEvent


def test_a_member_of_the_type_is_taken() -> None:
    event = SecurityEvent(EventType.USER_REVOKED, 1, "u", detail={"reason": "admin", "note": "leaver"})

    assert event.detail["note"] == "leaver"


@pytest.mark.parametrize(
    "detail",
    [{"password": "x"}, {"amr": 1}, {"place": None}, {"reason": "logout"}],
    ids=["unknown", "wrong type", "nothing", "another type's"],
)
def test_another_member_is_refused(detail: dict[str, str | int]) -> None:
    with pytest.raises(ValueError, match="login_succeeded has no"):
        SecurityEvent(EventType.LOGIN_SUCCEEDED, 1, "u", detail=detail)
