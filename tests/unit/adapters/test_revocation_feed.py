"""The feed against a source in memory, its clock in the test's hand."""

import pytest

from auth_tokens.adapters.ids_by_span import SPAN_S
from auth_tokens.adapters.revocation_feed import OVERFLOW_RECHECK_S, PolledRevocationFeed
from auth_tokens.adapters.revocation_log import RevocationLog
from auth_tokens.adapters.revoked_rows import MEMORY_S, OVERLAP_S, RevokedRows, RowsAndLog
from auth_tokens.domain.errors import Unavailable
from tests.support.fakes import FakeRevocationLog, FakeRevocationSource
from tests.support.world import START, Clock, RecordedTelemetry

STALENESS_S = 5
FAIL_AFTER_S = 60
LIMIT = 10


def an_id(number: int) -> bytes:
    return bytes(8) + number.to_bytes(8, "big")


GOOD = an_id(2**40)


class Feed:
    """The feed with everything it stands on. kind: by what it reads."""

    def __init__(self, kind: str = "rows") -> None:
        self.rows, self.log = FakeRevocationSource(), FakeRevocationLog()
        self.kind = kind
        self.clock = Clock()
        self.telemetry = RecordedTelemetry()
        rows, log = RevokedRows(self.rows, LIMIT), RevocationLog(self.log, LIMIT)
        self.feed = PolledRevocationFeed(
            {"rows": rows, "log": log, "both": RowsAndLog(rows, log)}[kind],
            self.clock,
            self.telemetry,
            max_staleness_s=STALENESS_S,
            fail_after_s=FAIL_AFTER_S,
        )

    def ask(self, identifier: bytes = GOOD) -> bool:
        return self.feed.is_revoked(identifier, identifier)

    def revoke(self, *numbers: int, at: int | None = None) -> None:
        revoked_at = self.clock.now if at is None else at
        self.rows.rows += [(an_id(number), revoked_at) for number in numbers]
        for number in numbers:
            self.log.write(an_id(number), now=revoked_at, keep_until=revoked_at + MEMORY_S)

    def is_down(self, is_down: bool = True) -> None:
        self.rows.is_down = self.log.is_down = is_down

    @property
    def reads(self) -> int:
        """How often it was read."""
        return len(self.log.reads) if self.kind != "rows" else len(self.rows.asked_since)

    @property
    def points_asked(self) -> int:
        return self.rows.points_asked + self.log.points_asked


@pytest.fixture(params=["rows", "log", "both"])
def feed(request: pytest.FixtureRequest) -> Feed:
    return Feed(request.param)


@pytest.fixture
def rows_feed() -> Feed:
    return Feed("rows")


def test_a_look_holds_for_its_time_and_not_a_second_longer(feed: Feed) -> None:
    feed.ask()
    feed.revoke(1)

    feed.clock.now += STALENESS_S - 1
    assert not feed.ask(an_id(1))
    feed.clock.now += 1
    assert feed.ask(an_id(1))
    assert feed.reads == 2


def test_the_age_of_the_knowledge_is_counted_with_each_answer(feed: Feed) -> None:
    feed.ask()
    assert feed.telemetry.counts == {"RevocationStaleness": 0}

    feed.clock.now += 3
    feed.ask()
    assert feed.telemetry.counts == {"RevocationStaleness": 3}

    feed.clock.now += 2
    feed.ask()
    assert feed.telemetry.counts == {"RevocationStaleness": 3}


def test_the_first_look_reaches_back_over_every_live_token_and_the_next_over_the_overlap(
    rows_feed: Feed,
) -> None:
    rows_feed.ask()
    rows_feed.clock.now += STALENESS_S
    rows_feed.ask()

    assert rows_feed.rows.asked_since == [START - MEMORY_S, START - OVERLAP_S]


def test_after_an_hour_asleep_a_look_reaches_back_over_every_live_token_only(rows_feed: Feed) -> None:
    rows_feed.ask()
    rows_feed.clock.now += 2 * MEMORY_S
    rows_feed.ask()

    assert rows_feed.rows.asked_since[-1] == rows_feed.clock.now - MEMORY_S


@pytest.mark.parametrize("skew_s", [-OVERLAP_S + STALENESS_S, -3, 3, 30])
def test_a_writer_s_clock_may_differ(feed: Feed, skew_s: int) -> None:
    feed.ask()
    feed.revoke(1, at=feed.clock.now + skew_s)

    feed.clock.now += STALENESS_S

    assert feed.ask(an_id(1))


def test_a_clock_that_is_set_back_leaves_no_gap(feed: Feed) -> None:
    feed.ask()
    feed.clock.now -= 1000
    feed.revoke(1)

    assert feed.ask(an_id(1))


def test_ids_of_dead_tokens_are_dropped_when_new_ones_come(feed: Feed) -> None:
    for _ in range(3):
        feed.revoke(*range(len(feed.rows.rows), len(feed.rows.rows) + LIMIT - 1))
        feed.ask()
        feed.clock.now += MEMORY_S + SPAN_S

    assert "RevocationFeedOverflow" not in feed.telemetry.counts


def test_past_its_bound_it_asks_the_table_and_says_so(feed: Feed) -> None:
    feed.revoke(*range(LIMIT))
    assert feed.ask(an_id(1))
    assert feed.points_asked == 0

    feed.revoke(LIMIT)
    feed.clock.now += STALENESS_S

    assert feed.ask(an_id(LIMIT))
    assert not feed.ask()
    assert feed.points_asked == 2
    assert feed.telemetry.counts["RevocationFeedOverflow"] == 1


@pytest.fixture
def crowded(feed: Feed) -> Feed:
    feed.revoke(*range(LIMIT + 1))
    feed.ask()
    return feed


def test_crowded_the_table_is_asked_once_per_token_and_staleness_and_nothing_else_is_read(
    crowded: Feed,
) -> None:
    feed = crowded
    for _ in range(OVERFLOW_RECHECK_S // STALENESS_S):
        for _ in range(5):
            assert not feed.ask()
        feed.clock.now += STALENESS_S

    assert feed.points_asked == OVERFLOW_RECHECK_S // STALENESS_S
    assert feed.reads == 1


def test_crowded_a_revocation_is_honoured_within_the_same_delay(crowded: Feed) -> None:
    feed = crowded
    assert not feed.ask()
    feed.revoke(2**40)

    feed.clock.now += STALENESS_S - 1
    assert not feed.ask()
    feed.clock.now += 1
    assert feed.ask()


def test_crowded_and_cut_off_known_good_tokens_pass_until_the_stated_time(crowded: Feed) -> None:
    feed = crowded
    feed.ask()
    feed.is_down()

    feed.clock.now += FAIL_AFTER_S - 1
    assert not feed.ask()
    with pytest.raises(Unavailable):
        feed.ask(an_id(77))
    feed.clock.now += 1
    with pytest.raises(Unavailable):
        feed.ask()


def test_once_the_crowd_is_gone_the_feed_is_read_again(crowded: Feed) -> None:
    feed = crowded
    feed.clock.now += MEMORY_S + OVERFLOW_RECHECK_S
    feed.log.clean(feed.clock.now)
    feed.revoke(5)

    assert feed.ask(an_id(5))
    assert not feed.ask()
    assert feed.reads == 2


def test_a_crowd_that_stays_is_counted_not_read(crowded: Feed) -> None:
    feed = crowded
    feed.clock.now += OVERFLOW_RECHECK_S
    feed.ask()

    assert feed.telemetry.counts["RevocationFeedOverflow"] == 2
    assert feed.reads == 1


def test_an_attempt_that_hangs_is_not_made_by_every_request(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.ask()
    feed.clock.now += STALENESS_S
    before = feed.reads
    for source in (feed.rows, feed.log):
        monkeypatch.setattr(source, "hangs", lambda: setattr(feed.clock, "now", feed.clock.now + 3))
    feed.is_down()

    for _ in range(10):
        assert not feed.ask()

    assert feed.reads == before + 1


def test_a_hundred_thousand_validations_cost_a_query_each_staleness_whatever_their_number(feed: Feed) -> None:
    for number in range(100_000):
        feed.clock.now = START + number // 1000
        feed.ask(an_id(number))

    assert feed.reads == 100 / STALENESS_S
    assert feed.points_asked == 0
