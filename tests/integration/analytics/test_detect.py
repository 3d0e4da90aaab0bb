"""The schedule looks for attacks in what is stored, and tells each finding once."""

import pytest

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidCredentials
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.usecases.analytics import detect
from auth_tokens.usecases.analytics.analyse import AnalysisReport, analyse
from auth_tokens.usecases.login import LoginRequest, login
from tests.support import wiring
from tests.support.world import PASSWORD, World

THIEF = Caller("203.0.113.66", "curl")


def run(world: World) -> AnalysisReport:
    report = analyse(lambda: 60_000, wiring.analysing(world.shared))
    assert report is not None
    return report


def findings(world: World) -> list[RecordedEvent]:
    page = world.shared.event_log.page(b"\xff" * 16, 0, None, None, 1000)
    return [event for event in page if event.type == "finding"]


def stuff(world: World, names: int) -> None:
    for number in range(names):
        try:
            login(LoginRequest(f"nobody{number}@example.com", "guess"), THIEF, world.issuing)
        except InvalidCredentials:
            continue
        raise AssertionError("nobody got in")


def test_an_attack_by_login_is_found_and_told_once(fresh_world: World) -> None:
    stuff(fresh_world, 12)
    fresh_world.clock.now += 60

    first, second = run(fresh_world), run(fresh_world)

    assert [finding.rule.value for finding in first.detection.findings] == ["stuffing_from_one_source"]
    assert second.detection.findings == []
    [event] = findings(fresh_world)
    assert (event.detail["accounts"], event.detail["events"]) == (12, 12)
    assert event.detail["severity"] == "medium"


def test_an_attack_whose_first_try_is_right_got_in(fresh_world: World) -> None:
    login(LoginRequest(fresh_world.user(), PASSWORD), THIEF, fresh_world.issuing)
    fresh_world.clock.now += 1
    stuff(fresh_world, 12)

    [finding] = run(fresh_world).detection.findings

    assert (finding.accounts, finding.entered, finding.severity.value) == (12, 1, "high")


def test_a_finding_names_its_source_as_its_events_do_and_no_address(fresh_world: World) -> None:
    stuff(fresh_world, 12)

    run(fresh_world)

    page = fresh_world.shared.event_log.page(b"\xff" * 16, 0, None, None, 1000)
    [event] = findings(fresh_world)
    assert {other.source_hash for other in page} == {event.source_hash}
    assert event.detail["subject"] == (event.source_hash or b"").hex()
    assert THIEF.address not in str(page)


def test_an_attack_of_yesterday_is_told_no_more(fresh_world: World) -> None:
    stuff(fresh_world, 12)
    fresh_world.clock.now += 3602

    assert run(fresh_world).detection.findings == []


@pytest.mark.parametrize(("looked_at", "is_partial"), [(12, True), (13, False)])
def test_an_hour_of_as_many_events_as_are_looked_at_is_said_to_be_so(
    fresh_world: World, monkeypatch: pytest.MonkeyPatch, looked_at: int, is_partial: bool
) -> None:
    monkeypatch.setattr(detect, "MAX_EVENTS", looked_at)
    stuff(fresh_world, 12)

    assert run(fresh_world).detection.is_partial is is_partial


def test_a_quiet_service_has_no_findings(fresh_world: World) -> None:
    name = fresh_world.user()
    token = fresh_world.login(name).token
    fresh_world.refresh(token)

    assert run(fresh_world).detection.findings == []
    assert findings(fresh_world) == []
