"""An anomaly is recorded in the transaction of its refresh; any other refresh costs what it always did."""

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.places import Place
from auth_tokens.domain.refresh_rate import ALLOWED_BURST
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from tests.support.world import PASSWORD, World

DUBLIN = Caller("192.0.2.7", "tests", Place("IE", (53.3, -6.3)))
SYDNEY = Caller("198.51.100.9", "tests", Place("AU", (-33.9, 151.2)))


def _told(world: World, name: str, kind: str) -> list[dict[str, str | int]]:
    page = world.shared.event_log.page(b"\xff" * 16, 0, world.user_id(name), None, 100)
    return [event.detail for event in page if event.type == kind]


def test_a_session_refreshed_from_far_away_within_the_hour_is_told(world: World) -> None:
    name = world.user()
    answer = login(LoginRequest(name, PASSWORD), DUBLIN, world.issuing)
    world.clock.now += 1800

    answer = refresh(RefreshRequest(answer.token), SYDNEY, world.issuing)

    [detail] = _told(world, name, "session_moved")
    assert (detail["from_place"], detail["place"]) == ("IE 53.3 -6.3", "AU -33.9 151.2")
    assert detail["elapsed_s"] == 1800
    assert world.row(answer.session_id)["generation"] == 1


def test_the_same_journey_in_a_day_is_not(world: World) -> None:
    name = world.user()
    answer = login(LoginRequest(name, PASSWORD), DUBLIN, world.issuing)
    world.clock.now += 86_400

    refresh(RefreshRequest(answer.token), SYDNEY, world.issuing)

    assert _told(world, name, "session_moved") == []


def test_a_lost_answer_asked_for_again_from_far_away_is_told_once(world: World) -> None:
    name = world.user()
    answer = login(LoginRequest(name, PASSWORD), DUBLIN, world.issuing)

    first = refresh(RefreshRequest(answer.token), SYDNEY, world.issuing)
    again = refresh(RefreshRequest(answer.token), SYDNEY, world.issuing)

    assert first.token == again.token
    assert len(_told(world, name, "session_moved")) == 1


def test_a_client_in_a_loop_is_told_once_a_burst(world: World) -> None:
    name = world.user()
    token = world.login(name).token

    for _ in range(ALLOWED_BURST + 1):
        token = world.refresh(token).token

    assert _told(world, name, "refresh_burst") == [{"usual_s": world.settings.access_ttl_s}]


def test_a_client_at_its_usual_rate_is_not_told(world: World) -> None:
    name = world.user()
    token = world.login(name).token

    for _ in range(2 * ALLOWED_BURST):
        world.clock.now += world.settings.access_ttl_s
        token = world.refresh(token).token

    assert _told(world, name, "refresh_burst") == []
