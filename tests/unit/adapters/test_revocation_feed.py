"""The feed against a source in memory, its clock in the test's hand."""

import pytest

from auth_tokens.adapters.recent_ids import RecentIds
from auth_tokens.adapters.revocation_feed import MEMORY_S, OVERFLOW_RECHECK_S, OVERLAP_S, PolledRevocationFeed
from auth_tokens.domain.errors import Unavailable
from tests.support.fakes import FakeRevocationSource
from tests.support.world import START, Clock, RecordedTelemetry

STALENESS_S = 5
FAIL_AFTER_S = 60
LIMIT = 10


def an_id(number: int) -> bytes:
    return bytes(8) + number.to_bytes(8, "big")


GOOD = an_id(2**40)


class Feed:
    """The feed with everything it stands on."""

    def __init__(self) -> None:
        self.source = FakeRevocationSource()
        self.clock = Clock()
        self.telemetry = RecordedTelemetry()
        self.feed = PolledRevocationFeed(
            self.source,
            self.clock,
            self.telemetry,
            max_staleness_s=STALENESS_S,
            fail_after_s=FAIL_AFTER_S,
            max_entries=LIMIT,
        )

    def ask(self, identifier: bytes = GOOD) -> bool:
        return self.feed.is_revoked(identifier, identifier)

    def revoke(self, *numbers: int) -> None:
        self.source.rows += [(an_id(number), self.clock.now) for number in numbers]


@pytest.fixture
def feed() -> Feed:
    return Feed()


def test_a_look_holds_for_its_time_and_not_a_second_longer(feed: Feed) -> None:
    feed.ask()
    feed.revoke(1)

    feed.clock.now += STALENESS_S - 1
    assert not feed.ask(an_id(1))
    feed.clock.now += 1
    assert feed.ask(an_id(1))
    assert len(feed.source.asked_since) == 2


def test_the_age_of_the_knowledge_is_counted_with_each_answer(feed: Feed) -> None:
    feed.ask()
    assert feed.telemetry.counts == {"RevocationStaleness": 0}

    feed.clock.now += 3
    feed.ask()
    assert feed.telemetry.counts == {"RevocationStaleness": 3}

    feed.clock.now += 2
    feed.ask()
    assert feed.telemetry.counts == {"RevocationStaleness": 3}


def test_the_first_look_reaches_back_over_every_live_token_and_the_next_over_the_overlap(feed: Feed) -> None:
    feed.ask()
    feed.clock.now += STALENESS_S
    feed.ask()

    assert feed.source.asked_since == [START - MEMORY_S, START - OVERLAP_S]


def test_after_an_hour_asleep_a_look_reaches_back_over_every_live_token_only(feed: Feed) -> None:
    feed.ask()
    feed.clock.now += 2 * MEMORY_S
    feed.ask()

    assert feed.source.asked_since[-1] == feed.clock.now - MEMORY_S


@pytest.mark.parametrize("skew_s", [-OVERLAP_S + STALENESS_S, -3, 3, 30])
def test_a_writer_s_clock_may_differ(feed: Feed, skew_s: int) -> None:
    feed.ask()
    feed.source.rows = [(an_id(1), feed.clock.now + skew_s)]

    feed.clock.now += STALENESS_S

    assert feed.ask(an_id(1))


def test_a_clock_that_is_set_back_leaves_no_gap(feed: Feed) -> None:
    feed.ask()
    feed.clock.now -= 1000
    feed.revoke(1)

    assert feed.ask(an_id(1))


def test_ids_of_dead_tokens_are_dropped_when_new_ones_come(feed: Feed) -> None:
    for _ in range(3):
        feed.revoke(*range(len(feed.source.rows), len(feed.source.rows) + LIMIT - 1))
        feed.ask()
        feed.clock.now += MEMORY_S + 1

    assert "RevocationFeedOverflow" not in feed.telemetry.counts


def test_past_its_bound_it_asks_the_table_and_says_so(feed: Feed) -> None:
    feed.revoke(*range(LIMIT))
    assert feed.ask(an_id(1))
    assert feed.source.points_asked == 0

    feed.revoke(LIMIT)
    feed.clock.now += STALENESS_S

    assert feed.ask(an_id(LIMIT))
    assert not feed.ask()
    assert feed.source.points_asked == 2
    assert feed.telemetry.counts["RevocationFeedOverflow"] == 1


def crowded() -> Feed:
    feed = Feed()
    feed.revoke(*range(LIMIT + 1))
    feed.ask()
    return feed


def test_crowded_the_table_is_asked_once_per_token_and_staleness_and_nothing_else_is_read() -> None:
    feed = crowded()
    for _ in range(OVERFLOW_RECHECK_S // STALENESS_S):
        for _ in range(5):
            assert not feed.ask()
        feed.clock.now += STALENESS_S

    assert feed.source.points_asked == OVERFLOW_RECHECK_S // STALENESS_S
    assert len(feed.source.asked_since) == 1


def test_crowded_a_revocation_is_honoured_within_the_same_delay() -> None:
    feed = crowded()
    assert not feed.ask()
    feed.source.rows.append((GOOD, feed.clock.now))

    feed.clock.now += STALENESS_S - 1
    assert not feed.ask()
    feed.clock.now += 1
    assert feed.ask()


def test_crowded_and_cut_off_known_good_tokens_pass_until_the_stated_time() -> None:
    feed = crowded()
    feed.ask()
    feed.source.is_down = True

    feed.clock.now += FAIL_AFTER_S - 1
    assert not feed.ask()
    with pytest.raises(Unavailable):
        feed.ask(an_id(77))
    feed.clock.now += 1
    with pytest.raises(Unavailable):
        feed.ask()


def test_once_the_crowd_is_gone_the_feed_is_read_again() -> None:
    feed = crowded()
    feed.clock.now += MEMORY_S + OVERFLOW_RECHECK_S
    feed.revoke(5)

    assert feed.ask(an_id(5))
    assert not feed.ask()
    assert len(feed.source.asked_since) == 2


def test_a_crowd_that_stays_is_counted_not_read() -> None:
    feed = crowded()
    feed.clock.now += OVERFLOW_RECHECK_S
    feed.ask()

    assert feed.telemetry.counts["RevocationFeedOverflow"] == 2
    assert len(feed.source.asked_since) == 1


def test_an_attempt_that_hangs_is_not_made_by_every_request(feed: Feed) -> None:
    class Hanging(FakeRevocationSource):
        def revoked_since(self, instant: int, limit: int) -> list[tuple[bytes, int]]:
            feed.clock.now += 3
            return super().revoked_since(instant, limit)

    feed.ask()
    feed.clock.now += STALENESS_S
    hanging = feed.feed._source = Hanging()
    hanging.is_down = True

    for _ in range(10):
        assert not feed.ask()

    assert len(hanging.asked_since) == 1


def test_a_hundred_thousand_validations_cost_a_query_each_staleness_whatever_their_number(feed: Feed) -> None:
    for number in range(100_000):
        feed.clock.now = START + number // 1000
        feed.ask(an_id(number))

    assert len(feed.source.asked_since) == 100 / STALENESS_S
    assert feed.source.points_asked == 0


def test_a_hundred_thousand_ids_take_less_than_two_megabytes() -> None:
    ids = RecentIds()
    ids.add(((an_id(number), START) for number in range(100_000)), START)

    assert len(ids) == 100_000
    assert all(array.itemsize * len(array) <= 800_000 for array in (ids._keys, ids._instants))


def test_recent_ids_know_what_was_added_and_nothing_else() -> None:
    ids = RecentIds()
    ids.add([(an_id(4), START), (an_id(2), START + 1)], START)
    ids.add([(an_id(3), START + 9), (an_id(4), START)], START + 1)

    assert [number for number in range(7) if an_id(number) in ids] == [2, 3]
