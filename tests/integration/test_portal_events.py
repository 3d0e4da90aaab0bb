"""Events of the Portal: everything of the user ends, twice is harmless, and a malformed one changes nothing."""

import itertools
from typing import Any

import pytest

from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.usecases.begin import DeviceRequest
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.web.portal_events import REASONS, SOURCE, MalformedEvent, portal_revocation
from tests.architecture.deployment import resources
from tests.support.world import World


def event(world: World, name: str, detail_type: str = "UserDisabled", **changes: Any) -> dict[str, Any]:
    """As EventBridge delivers it, with members that are of no interest."""
    delivered = {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": SOURCE,
        "account": "123456789012",
        "time": "2026-11-25T00:00:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": {"user_id": world.user_id(name), "reason": "left the company"},
    }
    return {**delivered, **changes}


def handle(world: World, delivered: Any) -> int:
    user_id, reason = portal_revocation(delivered)
    return revoke_user(user_id, reason, "", world.sessions)


@pytest.mark.parametrize("detail_type", REASONS)
def test_an_event_ends_every_session_and_device_once_however_often_it_comes(
    world: World, detail_type: str
) -> None:
    name = world.user()
    answers = [world.login(name, DeviceRequest(remember=True)) for _ in range(3)]
    other = world.login(world.user())

    ended = [handle(world, event(world, name, detail_type)) for _ in range(3)]

    assert ended == [6, 0, 0]
    assert world.events(name).count("user_revoked") == 1
    for answer in answers:
        assert world.row(answer.session_id)["revoke_reason"] == REASONS[detail_type].value
        assert world.row(answer.device_id)["revoke_reason"] == REASONS[detail_type].value
        with pytest.raises(InvalidGrant):
            world.refresh(answer.token)
    assert world.refresh(other.token)


def test_what_had_ended_before_keeps_its_reason(world: World) -> None:
    name = world.user(max_sessions=1)
    evicted = world.login(name)
    world.login(name)

    handle(world, event(world, name))

    assert world.row(evicted.session_id)["revoke_reason"] == "evicted"


MALFORMED: dict[str, Any] = {
    "no event": None,
    "a list": [],
    "a text": "UserDisabled",
    "another source": {"source": "aws.ec2"},
    "no source": {"source": None},
    "another type": {"detail-type": "UserCreated"},
    "another case": {"detail-type": "userdisabled"},
    "a list of types": {"detail-type": ["UserDisabled"]},
    "no detail": {"detail": None},
    "detail as text": {"detail": '{"user_id": "x"}'},
    "no user": {"detail": {}},
    "an empty user": {"detail": {"user_id": ""}},
    "a number for a user": {"detail": {"user_id": 0}},
    "users": {"detail": {"user_id": ["a", "b"]}},
    "a wildcard": {"detail": {"user_id": "% OR 1=1"}},
    "a user too long": {"detail": {"user_id": "u" * 37}},
    "a user in another script": {"detail": {"user_id": "é"}},
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_event_is_refused_with_a_reason_and_changes_nothing(world: World, case: str) -> None:
    name = world.user()
    answer = world.login(name)
    before = world.row(answer.session_id)
    change = MALFORMED[case]

    with pytest.raises(MalformedEvent) as refusal:
        handle(world, event(world, name, **change) if isinstance(change, dict) else change)

    assert any(part in str(refusal.value) for part in ("source", "detail-type", "detail.user_id"))
    assert world.row(answer.session_id) == before


def test_an_event_whose_rows_cannot_be_written_whole_writes_none_of_them(world: World) -> None:
    name = world.user()
    answers = [world.login(name) for _ in range(3)]
    world.sql(
        "CREATE TRIGGER no_event BEFORE INSERT ON auth_token_events FOR EACH ROW SIGNAL SQLSTATE 'HY000'"
        " SET MYSQL_ERRNO = 1213"
    )

    try:
        with pytest.raises(Unavailable):
            handle(world, event(world, name))
    finally:
        world.sql("DROP TRIGGER no_event")

    assert all(world.row(answer.session_id)["revoked_at"] is None for answer in answers)
    assert handle(world, event(world, name)) == 6


def test_an_event_for_a_user_without_sessions_or_unknown_is_no_error(world: World) -> None:
    delivered = event(world, world.user())

    assert handle(world, delivered) == 0
    assert handle(world, {**delivered, "detail": {"user_id": "nobody"}}) == 0


def test_what_cannot_be_handled_goes_to_the_dead_letter_queue() -> None:
    """The function's failures after its retries, and what EventBridge could not deliver."""
    template = resources()
    queues = {name for name, found in template.items() if found["Type"] == "AWS::SQS::Queue"}
    configs = [found for found in template.values() if found["Type"] == "AWS::Lambda::EventInvokeConfig"]
    revoke = [c for c in configs if "Revoke" in str(c["Properties"]["FunctionName"])]
    rules = [
        target
        for found in template.values()
        if found["Type"] == "AWS::Events::Rule" and SOURCE in str(found["Properties"].get("EventPattern"))
        for target in found["Properties"]["Targets"]
    ]

    [config] = revoke
    assert any(queue in str(config["Properties"]["DestinationConfig"]["OnFailure"]) for queue in queues)
    assert config["Properties"]["MaximumRetryAttempts"] == 2
    for target in rules:
        assert any(queue in str(target["DeadLetterConfig"]) for queue in queues)


def test_the_rule_delivers_each_type_that_is_handled() -> None:
    patterns = [
        found["Properties"]["EventPattern"]
        for found in resources().values()
        if found["Type"] == "AWS::Events::Rule" and SOURCE in str(found["Properties"].get("EventPattern"))
    ]

    assert set(itertools.chain(*(pattern["detail-type"] for pattern in patterns))) == set(REASONS)
