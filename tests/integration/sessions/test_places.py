"""Where a session or device was seen last is kept with it, encrypted."""

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.places import Place
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from tests.support.world import PASSWORD, World

IN_DUBLIN = Caller("192.0.2.7", "tests", Place("IE", (53.3, -6.3)))
NOWHERE = Caller("192.0.2.7", "tests")


def _places(world: World, name: str) -> tuple[str, str]:
    user_id = world.user_id(name)
    [session] = list_sessions(user_id, 10, None, world.sessions).sessions
    [device] = list_devices(user_id, None, None, world.sessions).devices
    return session.metadata.place, device.metadata.place


def test_a_sign_in_and_each_refresh_note_the_place(world: World) -> None:
    name = world.user()
    answer = login(LoginRequest(name, PASSWORD), IN_DUBLIN, world.issuing)
    assert _places(world, name) == ("IE 53.3 -6.3", "IE 53.3 -6.3")

    moved = Caller("192.0.2.8", "tests", Place("FR"))
    answer = refresh(RefreshRequest(answer.token), moved, world.issuing)
    assert _places(world, name) == ("FR", "IE 53.3 -6.3")

    refresh(RefreshRequest(answer.token), NOWHERE, world.issuing)
    assert _places(world, name) == ("", "IE 53.3 -6.3")


def test_a_place_is_not_readable_in_the_row(world: World) -> None:
    answer = login(LoginRequest(world.user(), PASSWORD), IN_DUBLIN, world.issuing)

    assert b"53.3" not in world.row(answer.session_id)["metadata"]
