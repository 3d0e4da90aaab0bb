"""The outbox on the real database: at least once, in order for each user, whatever bus and database do."""

import contextlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import boto3
import pytest

from auth_tokens.adapters.event_bus import EventBridgeBus, events_client
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.ids import uuid7, uuid_text
from auth_tokens.ports.events import EventBus
from auth_tokens.usecases.analytics.analyse import CLOCK_SKEW_MS, AnalyseDeps, analyse
from auth_tokens.usecases.publish_events import RESERVE_MS, SETTLE_S, PublishReport
from local.servers.aws import LocalAws
from tests.support import wiring
from tests.support.fakes import FakeBus
from tests.support.world import CALLER, World


def plenty() -> int:
    return 60_000


@pytest.fixture
def own_world(fresh_world: World) -> Iterator[World]:
    """A schema of its own: the outbox is the whole table."""
    yield fresh_world


def deps(world: World, bus: EventBus | None) -> AnalyseDeps:
    made = wiring.analysing(world.environment())
    return replace(made, publishing=replace(made.publishing, bus=bus))


def run(
    world: World, bus: EventBus | None, remaining_ms: Callable[[], int] = plenty, settle: bool = True
) -> PublishReport:
    """One run of the schedule, once the newest events have settled."""
    world.clock.now += SETTLE_S + 1 if settle else 0
    report = analyse(remaining_ms, deps(world, bus))
    assert report is not None
    return report.publication


def tell(world: World, user_id: str | None, at_ms: int | None = None) -> bytes:
    """One event of a user, as committed now; at_ms: when its id was made."""
    made_ms = world.clock.now * 1000 if at_ms is None else at_ms
    event_id = uuid7(made_ms, random.randbytes(10))
    world.sql(
        "INSERT INTO auth_token_events (id, type, created_at, user_id) VALUES (%s, 'login_failed', %s, %s)",
        event_id,
        to_sql(made_ms // 1000),
        user_id,
    )
    return event_id


def pending(world: World) -> int:
    [row] = world.sql("SELECT COUNT(*) AS n FROM auth_token_events WHERE published_at IS NULL")
    return int(row["n"])


def test_what_is_told_goes_to_the_bus_once_and_in_order(own_world: World) -> None:
    bus, name = FakeBus(), own_world.user()
    for _ in range(3):
        own_world.login(name)
        own_world.clock.now += 1

    first, second = run(own_world, bus), run(own_world, bus)

    assert [event.type for event in bus.taken] == ["login_succeeded", "new_device"] * 3
    assert [event.id for event in bus.taken] == sorted(event.id for event in bus.taken)
    assert (first.published, second.published) == (6, 0)
    assert second.lag_s == 0


def test_a_bus_that_is_down_loses_nothing_and_no_request_notices(own_world: World) -> None:
    bus, name = FakeBus(), own_world.user()
    bus.is_down = True
    answer = own_world.login(name)
    report = run(own_world, bus)
    own_world.refresh(answer.token)
    own_world.login(name)

    assert report.is_bus_down
    assert (report.published, report.lag_s) == (0, SETTLE_S + 1)
    assert bus.requests == 1

    bus.is_down = False
    assert run(own_world, bus).published == 4
    assert pending(own_world) == 0


def test_an_event_committed_late_is_not_skipped(own_world: World) -> None:
    bus = FakeBus()
    tell(own_world, "u")
    run(own_world, bus)

    late = tell(own_world, "u", at_ms=(own_world.clock.now - 3600) * 1000)

    assert run(own_world, bus).published == 1
    assert bus.taken[-1].id == late


def test_of_a_user_nothing_goes_past_what_was_refused(own_world: World) -> None:
    bus = FakeBus()
    ids = {user: [tell(own_world, user, own_world.clock.now * 1000 + n) for n in range(3)] for user in "ab"}
    bus.refused = {"a"}

    report = run(own_world, bus)
    assert (report.published, report.refused) == (3, 1)
    assert [event.id for event in bus.taken] == ids["b"]

    bus.refused = set()
    run(own_world, bus)
    assert [event.id for event in bus.taken if event.user_id == "a"] == ids["a"]


def test_an_event_that_is_always_refused_holds_up_no_other_user(own_world: World) -> None:
    bus = FakeBus()
    bus.refused = {"poison"}
    tell(own_world, "poison")
    own_world.clock.now += 1
    for number in range(30):
        tell(own_world, f"u{number}")

    assert run(own_world, bus).published == 30
    assert run(own_world, bus).refused == 1


def test_a_run_that_dies_publishes_again_and_loses_nothing(own_world: World) -> None:
    bus = FakeBus()
    ids = [tell(own_world, "u", own_world.clock.now * 1000 + n) for n in range(3)]
    bus.dies = True
    with pytest.raises(RuntimeError):
        run(own_world, bus)
    bus.dies = False

    run(own_world, bus)

    assert [event.id for event in bus.taken] == [ids[0], *ids]


@pytest.mark.parametrize(("age_s", "published"), [(SETTLE_S - 1, 0), (SETTLE_S, 0), (SETTLE_S + 1, 1)])
def test_an_event_goes_once_no_earlier_one_can_appear(own_world: World, age_s: int, published: int) -> None:
    tell(own_world, "u")
    own_world.clock.now += age_s

    assert run(own_world, FakeBus(), settle=False).published == published


def test_a_run_stops_before_its_time_is_up_and_the_next_goes_on(own_world: World) -> None:
    bus = FakeBus()
    for number in range(25):
        tell(own_world, f"u{number}")

    short = run(own_world, bus, lambda: RESERVE_MS if bus.requests == 0 else RESERVE_MS - 1)

    assert short.published == 10
    assert run(own_world, bus).published == 15


def test_a_run_beside_another_does_nothing(own_world: World) -> None:
    bus, other = FakeBus(), deps(own_world, FakeBus())
    tell(own_world, "u")

    class SlowBus(FakeBus):
        def publish(self, events: object) -> frozenset[bytes]:
            assert analyse(plenty, other) is None
            return super().publish(events)  # type: ignore[arg-type]

    slow = SlowBus()
    assert run(own_world, slow).published == 1
    assert slow.requests == 1
    assert run(own_world, bus).published == 0


def test_a_run_that_died_holds_up_the_next_no_longer_than_it_could_have_lived(own_world: World) -> None:
    now_ms = own_world.clock.milliseconds()
    leases = deps(own_world, None).leases
    assert leases.take("analytics", now_ms + 30_000, now_ms)

    assert not leases.take("analytics", now_ms + 90_000, now_ms + 29_999)
    assert leases.take("analytics", now_ms + 90_000, now_ms + 30_000)
    leases.release("analytics", now_ms + 30_000)
    assert not leases.take("analytics", now_ms + 99_000, now_ms + 40_000)


def test_a_lease_outlives_the_invocation_that_holds_it(own_world: World) -> None:
    seen: list[int] = []

    class LookingBus(FakeBus):
        def publish(self, events: object) -> frozenset[bytes]:
            [row] = own_world.sql("SELECT held_until_ms FROM auth_token_jobs WHERE name = 'analytics'")
            seen.append(int(row["held_until_ms"]))
            return super().publish(events)  # type: ignore[arg-type]

    tell(own_world, "u")
    run(own_world, LookingBus())

    assert seen == [own_world.clock.milliseconds() + plenty() + CLOCK_SKEW_MS]
    assert own_world.sql("SELECT held_until_ms FROM auth_token_jobs WHERE name = 'analytics'") == [
        {"held_until_ms": 0}
    ]


def test_without_a_bus_events_wait(own_world: World) -> None:
    tell(own_world, "u")

    assert run(own_world, None) == PublishReport(0, 0, False, 0)
    assert pending(own_world) == 1


def test_events_arrive_at_a_subscriber_of_eventbridge(own_world: World, aws: LocalAws) -> None:
    sqs, events = boto3.client("sqs"), boto3.client("events")
    queue = sqs.create_queue(QueueName="siem")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["auth-user-tokens"]})
    events.put_rule(Name="all", EventBusName=aws.security_bus, EventPattern=pattern)
    events.put_targets(Rule="all", EventBusName=aws.security_bus, Targets=[{"Id": "siem", "Arn": arn}])
    answer = own_world.login(own_world.user())

    assert run(own_world, EventBridgeBus(aws.security_bus, events_client)).published == 2

    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    received = [json.loads(message["Body"]) for message in messages]
    assert sorted(message["detail-type"] for message in received) == ["login_succeeded", "new_device"]
    assert {message["detail"]["session_id"] for message in received} == {answer.session_id}
    assert CALLER.address not in json.dumps(received)
    events.remove_targets(Rule="all", EventBusName=aws.security_bus, Ids=["siem"])
    events.delete_rule(Name="all", EventBusName=aws.security_bus)


def test_a_bus_that_is_not_there_is_down_and_nothing_is_lost(own_world: World, aws: LocalAws) -> None:
    tell(own_world, "u")

    report = run(own_world, EventBridgeBus("no-such-bus", events_client))

    assert report.is_bus_down
    assert pending(own_world) == 1


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_each_user_s_events_arrive_in_order_and_all(own_world: World, seed: int) -> None:
    """Refusals, outages and deaths at random; the first arrivals of a user's events are in the order of ids."""
    chance = random.Random(seed)
    told: dict[str | None, list[bytes]] = {}
    bus = FakeBus()
    for number in range(60):
        user = chance.choice(["a", "b", "c", "d", None])
        told.setdefault(user, []).append(tell(own_world, user, own_world.clock.now * 1000 + number))
    for _ in range(6):
        bus.refused = set(chance.sample(["a", "b", "c", "d", None], 2))
        bus.is_down, bus.dies = chance.random() < 0.3, chance.random() < 0.3
        with contextlib.suppress(RuntimeError):
            run(own_world, bus)
    bus.refused, bus.is_down, bus.dies = set(), False, False
    run(own_world, bus)

    for user in "abcd":
        arrived = list(dict.fromkeys(event.id for event in bus.taken if event.user_id == user))
        assert [uuid_text(i) for i in arrived] == [uuid_text(i) for i in told[user]]
    assert {event.id for event in bus.taken} == {i for ids in told.values() for i in ids}
    assert pending(own_world) == 0
