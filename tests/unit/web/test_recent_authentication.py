"""What the routes ask for that end other sessions and devices."""

import pytest

from auth_tokens.domain.acr import DEVICE_ACR, PASSWORD_ACR
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Transport, Validated
from auth_tokens.domain.errors import StepUpNeeded
from auth_tokens.web.recent_authentication import RecentAuthentication
from auth_tokens.web.responses import error_response
from tests.support.world import START, Clock

MFA = "urn:mfa"
ORDER = (DEVICE_ACR, PASSWORD_ACR, MFA)
MAX_AGE_S = 900


def authenticated(ago_s: int, acr: str = PASSWORD_ACR) -> Validated:
    claims = AccessClaims(
        sub="u",
        sid="01900000-0000-7000-8000-00000000000a",
        jti=None,
        client_id="portal-web",
        scope="",
        device_id="",
        auth_time=START - ago_s,
        acr=acr,
        amr=(),
        labels=(),
        iat=START,
        exp=START + 1,
    )
    return Validated(claims, Transport.COOKIE)


def test_an_authentication_of_exactly_that_age_will_do() -> None:
    caller = authenticated(MAX_AGE_S)

    assert RecentAuthentication(MAX_AGE_S, ORDER, Clock()).require(caller) is caller


@pytest.mark.parametrize(
    ("acr", "wanted"),
    [
        (PASSWORD_ACR, f"{PASSWORD_ACR} {MFA}"),
        (DEVICE_ACR, f"{PASSWORD_ACR} {MFA}"),
        ("", f"{PASSWORD_ACR} {MFA}"),
        (MFA, MFA),
        ("urn:other", "urn:other"),
    ],
)
def test_an_older_one_is_told_its_age_and_what_a_step_up_may_be_of(acr: str, wanted: str) -> None:
    with pytest.raises(StepUpNeeded) as refused:
        RecentAuthentication(MAX_AGE_S, ORDER, Clock()).require(authenticated(MAX_AGE_S + 1, acr))

    challenge = error_response(refused.value).headers["WWW-Authenticate"]
    assert f'acr_values="{wanted}", max_age="{MAX_AGE_S}"' in challenge
    assert refused.value.about["user_id"] == "u"


def test_switched_off_any_age_will_do() -> None:
    assert RecentAuthentication(0, ORDER, Clock()).require(authenticated(10**9))
