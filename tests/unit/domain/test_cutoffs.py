from dataclasses import replace

import pytest

from auth_tokens.domain.acr import DEVICE_ACR
from auth_tokens.domain.cutoffs import ISSUED_WITHIN_S, Cutoff
from auth_tokens.domain.ids import uuid7, uuid_text
from tests.support.cases import claims_of
from tests.support.memory_world import memory_world

NOW = 1_800_000_000
BEFORE, DECIDED = NOW - 1000, NOW


@pytest.mark.parametrize(
    ("began_at", "issued_at", "is_refused"),
    [
        pytest.param(BEFORE, BEFORE, True, id="began and was issued at the instant"),
        pytest.param(BEFORE, DECIDED + ISSUED_WITHIN_S, True, id="refreshed while it was decided"),
        pytest.param(
            BEFORE, DECIDED + ISSUED_WITHIN_S + 1, False, id="issued afterwards, so of a session that goes on"
        ),
        pytest.param(BEFORE + 1, BEFORE + 1, False, id="began later"),
    ],
)
@pytest.mark.parametrize("by_device", [False, True])
def test_what_began_before_is_refused(
    began_at: int, issued_at: int, is_refused: bool, by_device: bool
) -> None:
    world = memory_world()
    claims = claims_of(world, world.login(world.user()))
    if by_device:  # counts from when the device was remembered
        claims = replace(claims, acr=DEVICE_ACR, auth_time=began_at, iat=issued_at)
    else:
        claims = replace(claims, sid=uuid_text(uuid7(began_at * 1000, bytes(10))), iat=issued_at)

    assert Cutoff("", BEFORE, DECIDED).ends(claims) == is_refused


@pytest.mark.parametrize(("client_id", "covered"), [("", True), ("c", True), ("d", False)])
def test_a_client_s_cutoff_covers_its_own_sessions_alone(client_id: str, covered: bool) -> None:
    assert Cutoff(client_id, BEFORE, DECIDED).covers("c", BEFORE) == covered
