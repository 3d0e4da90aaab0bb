"""Which authentication may take the place of which."""

import pytest

from auth_tokens.domain.acr import ACR_ORDER, DEVICE_ACR, PASSWORD_ACR, classes_that_may_replace, may_replace

MFA, SMS, OTHER = "urn:mfa", "urn:sms", "urn:other"
ORDER = (DEVICE_ACR, SMS, PASSWORD_ACR, MFA)


@pytest.mark.parametrize(
    ("acr", "held", "may"),
    [
        (PASSWORD_ACR, PASSWORD_ACR, True),
        (PASSWORD_ACR, DEVICE_ACR, True),
        (PASSWORD_ACR, SMS, True),
        (PASSWORD_ACR, MFA, False),
        (MFA, PASSWORD_ACR, True),
        (DEVICE_ACR, PASSWORD_ACR, False),
        (SMS, DEVICE_ACR, True),
        (OTHER, OTHER, True),
        (OTHER, PASSWORD_ACR, False),
        (PASSWORD_ACR, OTHER, False),
        (OTHER, "", True),
        ("", "", True),
        ("", DEVICE_ACR, False),
        ("", OTHER, False),
    ],
)
def test_an_equal_or_stronger_class_may_replace_another(acr: str, held: str, may: bool) -> None:
    assert may_replace(acr, held, ORDER) is may


@pytest.mark.parametrize(
    ("held", "classes"),
    [
        ("", (PASSWORD_ACR, MFA)),
        (DEVICE_ACR, (PASSWORD_ACR, MFA)),
        (SMS, (PASSWORD_ACR, MFA)),
        (PASSWORD_ACR, (PASSWORD_ACR, MFA)),
        (MFA, (MFA,)),
        (OTHER, (OTHER,)),
    ],
)
def test_what_is_asked_for_may_replace_what_is_held(held: str, classes: tuple[str, ...]) -> None:
    assert classes_that_may_replace(held, ORDER) == classes
    assert all(may_replace(acr, held, ORDER) for acr in classes)


def test_by_default_a_password_is_stronger_than_a_remembered_device() -> None:
    assert may_replace(PASSWORD_ACR, DEVICE_ACR, ACR_ORDER)
    assert not may_replace(DEVICE_ACR, PASSWORD_ACR, ACR_ORDER)
