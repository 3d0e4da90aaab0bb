"""However KMS or the event bus dies, nobody waits for it longer than the invocation may."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest

from auth_tokens.adapters import event_bus
from auth_tokens.adapters.event_bus import PUT_S, EventBridgeBus, events_client
from auth_tokens.adapters.kms import client
from auth_tokens.adapters.kms.client import CALL_S, KmsClient, kms_client
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.ids import uuid7
from auth_tokens.time_left import RESERVE_S, timed
from auth_tokens.usecases.analytics.analyse import AnalysisReport, analyse
from auth_tokens.usecases.publish_events import RESERVE_MS, SETTLE_S
from local.servers.aws import LocalAws
from tests.support import wiring
from tests.support.half_dead import HalfDead, Way
from tests.support.world import World

# What an invocation has beyond the reserve, and all that a loaded machine may add to it.
GIVEN_S, AT_MOST_S = 0.6, 2.0
DEADLY = [way for way in Way if way is not Way.HEALTHY]

each_way = pytest.mark.parametrize("way", DEADLY, ids=[way.value for way in DEADLY])


@dataclass
class Context:
    """Of an invocation that ends at an instant of time.monotonic()."""

    ends_at: float

    def get_remaining_time_in_millis(self) -> int:
        return int((self.ends_at - time.monotonic()) * 1000)


@pytest.fixture
def services(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[HalfDead]:
    """What stands between the service and AWS. Its bytes come faster than any time-out for one of them."""
    at = urlsplit(aws.environment["AWS_ENDPOINT_URL"])
    with HalfDead(str(at.hostname), at.port or 0, drip_s=0.1) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        yield proxy


@pytest.fixture
def kms(services: HalfDead, monkeypatch: pytest.MonkeyPatch) -> KmsClient:
    """With its client made, as that takes time of its own, and so patient that only the call as a whole ends it."""
    monkeypatch.setattr(client, "ANSWER_S", 30.0)
    monkeypatch.setattr(client, "CONNECT_S", 30.0)
    monkeypatch.setattr(client, "CALL_S", CALL_S)
    made = kms_client()
    warm = KmsClient(lambda: made)
    assert warm._made() is made
    return warm


def seconds_until_refused(action: Callable[[], object]) -> float:
    began = time.monotonic()

    with pytest.raises(Unavailable):
        timed(lambda event, context: action())({}, Context(began + RESERVE_S + GIVEN_S))

    return time.monotonic() - began


@each_way
@pytest.mark.parametrize("is_open", [True, False], ids=["an open connection", "a new connection"])
def test_kms_is_given_up_with_the_invocation(
    aws: LocalAws, services: HalfDead, kms: KmsClient, way: Way, is_open: bool
) -> None:
    def encrypt() -> object:
        return kms.call("encrypt", KeyId=aws.key_id, Plaintext=b"x")

    if is_open:
        encrypt()
    services.falls_ill(way)

    assert seconds_until_refused(encrypt) < AT_MOST_S


def test_without_an_invocation_kms_has_its_time_and_not_each_byte_of_its_answer(
    aws: LocalAws, services: HalfDead, kms: KmsClient
) -> None:
    services.falls_ill(Way.DRIPS)
    began = time.monotonic()

    with pytest.raises(Unavailable):
        kms.call("encrypt", KeyId=aws.key_id, Plaintext=b"x")

    assert time.monotonic() - began < CALL_S + 1.5  # the answer would take 50 s


def test_kms_is_asked_with_little_time_left_where_it_answers(aws: LocalAws, kms: KmsClient) -> None:
    """It answers within milliseconds. To ask only where two tries fit would refuse what can be done."""

    answer = timed(lambda event, context: kms.call("encrypt", KeyId=aws.key_id, Plaintext=b"x"))(
        {}, Context(time.monotonic() + RESERVE_S + CALL_S - 0.2)
    )

    assert answer["CiphertextBlob"]


@each_way
def test_events_stay_in_the_outbox_and_the_run_ends_in_order(
    fresh_world: World, services: HalfDead, aws: LocalAws, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way is not Way.SLOW:
        monkeypatch.setattr(event_bus, "PUT_S", 2.0)  # a test has no time for 9 s
    world, events = fresh_world, events_client()
    for number in range(3):
        event_id = uuid7((world.clock.now + number) * 1000, b"0123456789")
        world.sql(
            "INSERT INTO auth_token_events (id, type, created_at, user_id) VALUES (%s, 'login_failed', NOW(), 'u')",
            event_id,
        )
    world.clock.now += SETTLE_S + 4
    deps = wiring.analysing(world.environment())
    deps = replace(
        deps, publishing=replace(deps.publishing, bus=EventBridgeBus(aws.security_bus, lambda: events))
    )
    services.falls_ill(way)
    context = Context(time.monotonic() + RESERVE_MS / 1000 + 20)  # the jobs before it take some

    report: AnalysisReport = timed(
        lambda event, context: analyse(context.get_remaining_time_in_millis, deps)
    )({}, context)
    left_s = context.ends_at - time.monotonic()

    [row] = world.sql("SELECT COUNT(*) AS n FROM auth_token_events WHERE published_at IS NULL")
    [lease] = world.sql("SELECT held_until_ms FROM auth_token_jobs WHERE name = 'analytics'")
    assert left_s > 1
    assert lease["held_until_ms"] == 0, "the next run need not wait"
    if way is Way.SLOW:  # the bus has them, and they are marked
        assert (report.publication.published, row["n"]) == (3, 0)
    else:
        assert (report.publication.is_bus_down, report.publication.published, row["n"]) == (True, 0, 3)


def test_the_bus_has_less_time_than_a_run_keeps_for_it() -> None:
    assert PUT_S + RESERVE_S + 1 <= RESERVE_MS / 1000
