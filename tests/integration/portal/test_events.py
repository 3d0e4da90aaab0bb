"""Events of the Portal: what of the user began before one ends, twice is harmless; a malformed one changes nothing."""

import itertools
import uuid
from datetime import datetime, timezone
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import end_what_began_before
from auth_tokens.web.portal_events import REASONS, SOURCE, MalformedEvent, portal_event
from tests.architecture.deployment import resources
from tests.support.world import CALLER, World


def rfc_3339(instant: int) -> str:
    return datetime.fromtimestamp(instant, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(world: World, name: str, detail_type: str = "UserDisabled", **changes: Any) -> dict[str, Any]:
    """As EventBridge delivers it, with members that are of no interest."""
    delivered = {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": SOURCE,
        "account": "123456789012",
        "time": rfc_3339(world.clock()),
        "region": "eu-west-1",
        "resources": [],
        "detail": {"user_id": world.user_id(name), "reason": "left the company"},
    }
    return {**delivered, **changes}


def handle(world: World, delivered: Any) -> int:
    return end_what_began_before(portal_event(delivered, world.clock()), world.sessions)


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
# The same for the members that say when.
NO_INSTANTS: dict[str, Any] = {
    "empty": "",
    "a word": "now",
    "without a zone": "2026-11-25T00:00:00",
    "a date": "2026-11-25",
    "with a space": "2026-11-25 00:00:00Z",
    "of a week": "2026-W48-3T00:00:00Z",
    "of the thirteenth month": "2026-13-25T00:00:00Z",
    "in other digits": "２０２６-11-25T00:00:00Z",
    "never filled in": "0001-01-01T00:00:00Z",
    "1970": "1970-01-01T00:00:00Z",
    "too far ahead": "9999-12-31T23:59:59Z",
    "a list": ["2026-11-25T00:00:00Z"],
    "true": True,
}
NO_SECONDS: dict[str, Any] = {
    "milliseconds": 1_800_000_000_000,
    "digits in a text": "1800000000",
    "zero": 0,
    "negative": -1_800_000_000,
    "huge": 10**400,
    "infinite": float("inf"),
    "no number": float("nan"),
    "an object": {"at": 1_800_000_000},
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


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(pytest.param("time", value, id=f"time {case}") for case, value in NO_INSTANTS.items()),
        pytest.param("time", 1_800_000_000, id="time in seconds"),
        *(
            pytest.param("changed_at", value, id=f"changed_at {case}")
            for case, value in (NO_INSTANTS | NO_SECONDS).items()
        ),
        *(
            pytest.param("except_session_id", value, id=f"except_session_id {value}")
            for value in ("", "x", 5, ["x"], "0b000000-0000-4000-8000-000000000b0b ", {})
        ),
    ],
)
def test_a_member_that_says_nothing_is_named_and_changes_nothing(
    world: World, member: str, value: Any
) -> None:
    name = world.user()
    answer = world.login(name)
    before = world.row(answer.session_id)
    delivered = event(world, name, "PasswordChanged")
    holder = delivered if member == "time" else delivered["detail"]
    holder[member] = value

    with pytest.raises(MalformedEvent) as refusal:
        handle(world, delivered)

    assert str(refusal.value).startswith("time " if member == "time" else f"detail.{member} ")
    assert world.row(answer.session_id) == before
    assert world.events(name).count("user_revoked") == 0


# --- an event speaks of a moment


@pytest.mark.parametrize("detail_type", REASONS)
@pytest.mark.parametrize("late_s", [1, 60, 5 * 86_400])
@pytest.mark.parametrize("deliveries", [1, 3])
def test_an_event_ends_nothing_that_began_after_it_however_late_and_often_it_comes(
    world: World, detail_type: str, late_s: int, deliveries: int
) -> None:
    name = world.user()
    before = world.login(name, DeviceRequest(remember=True))
    delivered = event(world, name, detail_type)
    world.clock.now += 1
    after = world.login(name, DeviceRequest(remember=True))
    world.clock.now += late_s

    ended = [handle(world, delivered) for _ in range(deliveries)]

    assert ended == [2, 0, 0][:deliveries]
    assert world.row(before.session_id)["revoke_reason"] == REASONS[detail_type].value
    with pytest.raises(InvalidGrant):
        exchange(world, before)
    assert world.refresh(after.token)
    assert exchange(world, after)


@pytest.mark.parametrize(("began_after_s", "ends"), [(-1, True), (0, True), (1, False)])
def test_what_began_in_the_second_of_the_event_began_before_it(
    world: World, began_after_s: int, ends: bool
) -> None:
    name = world.user()
    instant = world.clock.now + 10
    world.clock.now = instant + began_after_s
    answer = world.login(name)
    world.clock.now = instant + 60

    handle(world, event(world, name, time=rfc_3339(instant)))

    assert (world.row(answer.session_id)["revoked_at"] is not None) == ends


INSTANTS: dict[str, Any] = {
    "epoch seconds": lambda at: at,
    "a fraction": lambda at: at + 0.9,
    "a text": rfc_3339,
    "a text with a fraction": lambda at: rfc_3339(at).replace("Z", ".987654321Z"),
    "a text in lower case": lambda at: rfc_3339(at).lower(),
    "a text in another zone": lambda at: rfc_3339(at + 5400).replace("Z", "+01:30"),
}


@pytest.mark.parametrize("written", INSTANTS.values(), ids=INSTANTS.keys())
def test_changed_at_decides_before_the_time_of_the_event(world: World, written: Any) -> None:
    name = world.user()
    before = world.login(name)
    changed_at = world.clock.now
    world.clock.now += 1
    after = world.login(name)
    world.clock.now += 600
    delivered = event(world, name, "PasswordChanged")
    delivered["detail"]["changed_at"] = written(changed_at)

    assert handle(world, delivered) == 2

    assert world.row(before.session_id)["revoked_at"] is not None
    assert world.row(after.session_id)["revoked_at"] is None


@pytest.mark.parametrize("ahead", ["time", "changed_at", "both"])
def test_an_instant_to_come_is_cut_to_the_present(world: World, ahead: str) -> None:
    """A clock that is ahead ends nothing that begins later."""
    name = world.user()
    before = world.login(name)
    delivered = event(world, name)
    if ahead in ("time", "both"):
        delivered["time"] = rfc_3339(world.clock.now + 3600)
    if ahead in ("changed_at", "both"):
        delivered["detail"]["changed_at"] = world.clock.now + 3600

    assert portal_event(delivered, world.clock.now).at == world.clock.now
    assert handle(world, delivered) == 2
    assert world.row(before.session_id)["revoked_at"] is not None


def test_changed_at_is_never_after_the_event_that_tells_it(world: World) -> None:
    """Redriven days later, a Portal's clock that was ahead still ends nothing that began after the event."""
    name = world.user()
    delivered = event(world, name)
    delivered["detail"]["changed_at"] = world.clock.now + 3600
    world.clock.now += 60
    after = world.login(name)
    world.clock.now += 5 * 86_400

    assert handle(world, delivered) == 0
    assert world.refresh(after.token)


def test_an_event_made_by_hand_without_an_instant_is_of_now(world: World) -> None:
    name = world.user()
    world.login(name)
    delivered = event(world, name)
    del delivered["time"]

    assert handle(world, delivered) == 2


def test_events_out_of_order_end_what_the_later_one_ends(world: World) -> None:
    name = world.user()
    first = world.login(name)
    disabled = event(world, name, "UserDisabled")
    world.clock.now += 10
    second = world.login(name)
    changed = event(world, name, "PasswordChanged")
    world.clock.now += 10
    third = world.login(name)

    assert handle(world, changed) == 4
    assert handle(world, disabled) == 0

    for ended in (first, second):
        assert world.row(ended.session_id)["revoke_reason"] == "password_changed"
    assert world.refresh(third.token)


def test_the_event_says_what_it_ended_before(world: World) -> None:
    name = world.user()
    world.login(name)
    delivered = event(world, name)
    world.clock.now += 60

    handle(world, delivered)

    [told] = [e for e in events_of(world, name) if e["type"] == "user_revoked"]
    assert told["at"] == world.clock.now
    assert told["detail"] == {"reason": "user_disabled", "before": world.clock.now - 60}


def exchange(world: World, answer: TokenAnswer) -> TokenAnswer:
    return exchange_device_token(ExchangeRequest(answer.device_token or ""), CALLER, world.issuing)


def events_of(world: World, name: str) -> list[dict[str, Any]]:
    from auth_tokens.usecases.list_events import EventFilter, list_events
    from tests.support import wiring

    found = list_events(EventFilter(user_id=world.user_id(name)), wiring.listing_events(world.shared))
    return [event.public_view() for event in found.events]


def test_a_device_remembered_again_with_the_new_password_stays(world: World) -> None:
    name = world.user()
    old = world.login(name, DeviceRequest(remember=True))
    delivered = event(world, name, "PasswordChanged")
    world.clock.now += 1
    new = world.login(name, DeviceRequest(id=old.device_id, remember=True))
    world.clock.now += 60

    assert handle(world, delivered) == 0
    assert new.device_id == old.device_id
    assert exchange(world, new)


def test_a_device_that_was_only_used_again_is_forgotten_and_the_new_session_on_it_stays(world: World) -> None:
    """Its token is from before, so a thief who has it is out; the person signed in by the new password."""
    name = world.user()
    old = world.login(name, DeviceRequest(remember=True))
    delivered = event(world, name, "PasswordChanged")
    world.clock.now += 1
    new = world.login(name, DeviceRequest(id=old.device_id))
    world.clock.now += 60

    assert handle(world, delivered) == 1
    with pytest.raises(InvalidGrant):
        exchange(world, old)
    assert world.refresh(new.token)


def test_a_session_that_an_old_device_token_opened_meanwhile_ends_with_it(world: World) -> None:
    """Told at once, the event would have left no token to open it with."""
    name = world.user()
    old = world.login(name, DeviceRequest(remember=True))
    delivered = event(world, name, "PasswordChanged")
    world.clock.now += 1
    opened = exchange(world, old)
    world.clock.now += 60

    handle(world, delivered)

    with pytest.raises(InvalidGrant):
        world.refresh(opened.token)
    with pytest.raises(InvalidGrant):
        exchange(world, opened)


# --- the session that made the change


def changed_by(world: World, name: str, session_id: object) -> dict[str, Any]:
    delivered = event(world, name, "PasswordChanged")
    delivered["detail"]["except_session_id"] = session_id
    return delivered


def test_a_password_changed_keeps_the_session_that_changed_it_with_its_device(world: World) -> None:
    name = world.user()
    here = world.login(name, DeviceRequest(remember=True))
    phone = world.login(name, DeviceRequest(remember=True))

    ended = [handle(world, changed_by(world, name, here.session_id)) for _ in range(2)]

    assert ended == [2, 0]
    assert world.refresh(here.token)
    assert exchange(world, here)
    with pytest.raises(InvalidGrant):
        exchange(world, phone)
    [told] = [e for e in events_of(world, name) if e["type"] == "user_revoked"]
    assert told["detail"]["kept_session_id"] == here.session_id


def test_the_device_of_the_session_that_changed_the_password_stays_also_when_that_session_has_ended(
    world: World,
) -> None:
    """The event comes a second time when its session has been signed out."""
    name = world.user()
    here = world.login(name, DeviceRequest(remember=True))
    delivered = changed_by(world, name, here.session_id)
    handle(world, delivered)
    world.clock.now += 60
    revoke_token(here.token, None, CALLER, world.sessions)

    assert handle(world, delivered) == 0
    assert exchange(world, here)


def test_a_session_that_was_over_before_the_change_keeps_nothing(world: World) -> None:
    name = world.user()
    here = world.login(name, DeviceRequest(remember=True))
    revoke_token(here.token, None, CALLER, world.sessions)

    assert handle(world, changed_by(world, name, here.session_id)) == 1
    with pytest.raises(InvalidGrant):
        exchange(world, here)


@pytest.mark.parametrize("whose", ["another user's", "unknown", "ended", "a device"])
def test_a_session_that_is_not_the_users_own_and_live_keeps_nothing(world: World, whose: str) -> None:
    name = world.user()
    phone = world.login(name, DeviceRequest(remember=True))
    other = world.login(world.user(), DeviceRequest(remember=True))
    ended = world.login(name, DeviceRequest(id=phone.device_id, remember=True))
    world.sql(
        "UPDATE auth_user_tokens SET revoked_at = UTC_TIMESTAMP(6) WHERE id = %s", raw(ended.session_id)
    )
    named = {
        "another user's": other.session_id,
        "unknown": str(uuid.uuid4()),
        "ended": ended.session_id,
        "a device": phone.device_id,
    }[whose]

    handle(world, changed_by(world, name, named))

    assert list_devices(world.user_id(name), None, None, world.sessions).devices == []
    assert exchange(world, other)


def raw(text: str) -> bytes:
    return uuid.UUID(text).bytes


@pytest.mark.parametrize("detail_type", ["UserDisabled", "UserDeleted"])
def test_a_user_who_is_disabled_or_deleted_keeps_no_session(world: World, detail_type: str) -> None:
    name = world.user()
    here = world.login(name)
    delivered = {**changed_by(world, name, here.session_id), "detail-type": detail_type}

    assert handle(world, delivered) == 2
    assert world.row(here.session_id)["revoked_at"] is not None


# --- a user made again


def test_a_user_made_again_under_an_old_id_inherits_nothing_from_before_the_deletion(world: World) -> None:
    """By the event alone, however late: here created_at tells nothing (test_account_made_again has the rest)."""
    name = world.user()
    old = world.login(name, DeviceRequest(remember=True))
    deleted = event(world, name, "UserDeleted")
    [row] = world.sql("SELECT * FROM auth_users WHERE username = %s", name)
    world.sql("DELETE FROM auth_users WHERE username = %s", name)
    world.clock.now += 60
    columns = ("id", "username", "password_hash", "status", "created_at")
    world.sql(
        f"INSERT INTO auth_users ({', '.join(columns)}) VALUES (%s, %s, %s, %s, %s)",
        *(row[column] for column in columns),
    )
    new = world.login(name, DeviceRequest(remember=True))
    world.clock.now += 86_400

    assert handle(world, deleted) == 2

    with pytest.raises(InvalidGrant):
        world.refresh(old.token)
    with pytest.raises(InvalidGrant):
        exchange(world, old)
    assert world.refresh(new.token)
    assert exchange(world, new)


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
