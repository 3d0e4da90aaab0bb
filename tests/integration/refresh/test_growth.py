"""A session's row stays as small as it was, however often it is refreshed."""

import pytest

from auth_tokens.domain.caller import Caller
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from tests.support.world import World

# Past the widths that a counter grows by: 7, 8 and 9 bits, and one, two and three digits.
ROTATIONS = 1_000
# Each column of fixed width counts the same, however the server packs it.
FIXED_BYTES = 8


@pytest.mark.slow
def test_a_row_does_not_grow_over_a_thousand_rotations(world: World) -> None:
    caller = Caller("192.0.2.1", "phone/1")
    answer = world.login(world.user())
    # The first rotation fills rotated_at and retry_key_hash: from here on not one byte is added.
    answer = refresh(RefreshRequest(answer.token, retry_key="0"), caller, world.issuing)
    size = _row_bytes(world, answer.session_id)

    for number in range(1, ROTATIONS):
        world.clock.now += 1  # as often as a session may be refreshed for long
        request = RefreshRequest(answer.token, retry_key=str(number))
        answer = refresh(request, caller, world.issuing)

    row = world.row(answer.session_id)
    assert row["generation"] == ROTATIONS
    assert _row_bytes(world, answer.session_id) == size
    assert len(world.sql("SELECT id FROM auth_user_tokens WHERE user_id = %s", row["user_id"])) == 2  # device


def _row_bytes(world: World, session_id: str) -> int:
    row = world.row(session_id)
    return sum(
        len(value) if isinstance(value, bytes | str) else FIXED_BYTES
        for value in row.values()
        if value is not None
    )
