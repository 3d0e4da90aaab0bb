"""A clock that is set back stops no cache from reading again, and keeps nobody out."""

from collections.abc import Callable
from typing import Any

import pytest

from auth_tokens.adapters.access_jwt.verifier import PublicKeys
from auth_tokens.adapters.kms.unwrapped_keys import UnwrappedKeyCache
from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.adapters.revocation_feed import PolledRevocationFeed
from auth_tokens.adapters.revoked_rows import RevokedRows
from auth_tokens.adapters.session_cache import SessionCache
from auth_tokens.domain.errors import RateLimited, Unavailable
from auth_tokens.domain.keys import PENALTY_S, KeyState, Purpose, StoredKey
from auth_tokens.domain.limits import CLOCKS_DIFFER_MS, Limit
from tests.support.fakes import (
    ROW_ID,
    FakeKeyTable,
    FakeKeyWrapper,
    FakeRevocationSource,
    FakeTokenStore,
    key_ring,
    session_record,
    signer,
)
from tests.support.world import START, Clock, RecordedTelemetry

HOUR = 3900
Read = Callable[[], object]
Count = Callable[[], int]


def jwks(clock: Clock) -> tuple[Read, Count]:
    table: Any = FakeKeyTable()
    signer(table, FakeKeyWrapper(), clock).sign({})
    keys = PublicKeys(table, clock, 300)
    return keys.jwks, lambda: table.reads


def a_known_kid(clock: Clock) -> tuple[Read, Count]:
    table: Any = FakeKeyTable()
    signer(table, FakeKeyWrapper(), clock).sign({})
    keys = PublicKeys(table, clock, 300)
    return lambda: keys.find(table.rows[0].kid), lambda: table.reads


def an_unknown_kid(clock: Clock) -> tuple[Read, Count]:
    table: Any = FakeKeyTable()
    keys = PublicKeys(table, clock, 300)
    return lambda: keys.find("unknown"), lambda: table.reads


def signing(clock: Clock) -> tuple[Read, Count]:
    table: Any = FakeKeyTable()
    signs = signer(table, FakeKeyWrapper(), clock)
    return lambda: signs.sign({}), lambda: table.reads


def data_keys(clock: Clock) -> tuple[Read, Count]:
    table: Any = FakeKeyTable()
    keys = key_ring(table, FakeKeyWrapper(), clock, may_create=True)
    return keys.chain_epoch, lambda: table.reads


def an_unknown_epoch(clock: Clock) -> tuple[Read, Count]:
    table: Any = FakeKeyTable()
    keys = key_ring(table, FakeKeyWrapper(), clock, may_create=True)
    keys.chain_epoch()
    return lambda: keys.chain_keys(7), lambda: table.reads


def a_browser_session(clock: Clock) -> tuple[Read, Count]:
    store: Any = FakeTokenStore(session_record(START - 2 * HOUR, expires_at=START + HOUR))
    rows = SessionCache(store, clock, fail_after_s=60)
    return lambda: rows.load(ROW_ID, 0), lambda: store.reads


def revocations(clock: Clock) -> tuple[Read, Count]:
    source = FakeRevocationSource()
    feed = PolledRevocationFeed(
        RevokedRows(source), clock, RecordedTelemetry(), max_staleness_s=5, fail_after_s=60
    )
    return lambda: feed.is_revoked(ROW_ID), lambda: len(source.asked_since)


def revocations_one_by_one(clock: Clock) -> tuple[Read, Count]:
    source = FakeRevocationSource()
    source.rows = [(bytes(15) + bytes([number]), START) for number in range(3)]
    feed = PolledRevocationFeed(
        RevokedRows(source, max_entries=2), clock, RecordedTelemetry(), max_staleness_s=5, fail_after_s=60
    )
    return lambda: feed.is_revoked(ROW_ID), lambda: source.points_asked


@pytest.mark.parametrize("back_s", [1, 60, HOUR])
@pytest.mark.parametrize(
    "made",
    [
        jwks,
        a_known_kid,
        an_unknown_kid,
        signing,
        data_keys,
        an_unknown_epoch,
        a_browser_session,
        revocations,
        revocations_one_by_one,
    ],
)
def test_what_was_read_by_a_later_clock_is_read_again(
    made: Callable[[Clock], tuple[Read, Count]], back_s: int
) -> None:
    clock = Clock()
    read, reads = made(clock)
    read()
    read()
    before = reads()

    clock.now -= back_s
    read()
    read()

    assert reads() == before + 1


def test_a_crowded_feed_sees_that_its_crowd_is_gone() -> None:
    clock, source = Clock(), FakeRevocationSource()
    source.rows = [(bytes(15) + bytes([number]), START) for number in range(3)]
    feed = PolledRevocationFeed(
        RevokedRows(source, max_entries=2), clock, RecordedTelemetry(), max_staleness_s=5, fail_after_s=60
    )
    feed.is_revoked(ROW_ID)
    source.rows = []

    clock.now -= HOUR
    feed.is_revoked(ROW_ID)

    assert source.points_asked == 1  # before the clock was set back


class _DownStore(FakeTokenStore):
    is_down = False

    def touch(self, record: Any, at: int, expires_at: int) -> None:
        super().touch(record, at, expires_at)
        if self.is_down:
            raise Unavailable("database error 2003")


def test_after_a_failed_note_of_use_the_next_one_is_made_all_the_same() -> None:
    clock, store = Clock(), _DownStore(session_record(START - 2 * HOUR, expires_at=START + HOUR))
    known: Any = store
    rows = SessionCache(known, clock, fail_after_s=60)
    record = rows.load(ROW_ID, 0)
    assert record
    store.is_down = True
    rows.touch(record, clock.now, clock.now + 60)

    clock.now -= HOUR
    rows.touch(record, clock.now, clock.now + 60)

    assert len(store.touched) == 2


def held_key(clock: Clock, wrapper: FakeKeyWrapper) -> Callable[[], bytes]:
    wrapped = wrapper.wrap(b"k" * 32, {"purpose": "metadata", "kid": "metadata.1"})
    row = StoredKey("metadata.1", Purpose.METADATA, 1, KeyState.ACTIVE, "", wrapped, None, START)
    keys: UnwrappedKeyCache[bytes] = UnwrappedKeyCache(
        wrapper, clock, RecordedTelemetry(), 1000, lambda row, material: material
    )
    return lambda: keys.get(row)


def test_a_held_key_is_unwrapped_again() -> None:
    clock, wrapper = Clock(), FakeKeyWrapper()
    get = held_key(clock, wrapper)
    get()

    clock.now -= HOUR
    get()
    get()

    assert wrapper.calls.count("unwrap metadata") == 2


def test_a_held_key_serves_on_while_kms_is_away_and_from_then_on_no_longer_than_its_bound() -> None:
    clock, wrapper = Clock(), FakeKeyWrapper()
    get = held_key(clock, wrapper)
    get()
    wrapper.is_down = True

    clock.now -= HOUR
    assert get()
    clock.now += 999
    assert get()
    clock.now += 1
    with pytest.raises(Unavailable):
        get()


def test_a_failed_renewal_waits_its_penalty() -> None:
    clock, wrapper = Clock(), FakeKeyWrapper()
    get = held_key(clock, wrapper)
    get()
    wrapper.is_down = True
    clock.now += 500
    for _ in range(3):
        get()
    clock.now += PENALTY_S
    get()

    assert wrapper.calls.count("unwrap metadata") == 3


LIMIT = Limit("test", burst=3, interval_ms=2000)


def test_a_bucket_filled_by_a_later_clock_refuses_for_no_longer_than_a_full_one() -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock.milliseconds)
    for _ in range(3):
        limiter.hit(LIMIT, "a")

    clock.now -= HOUR
    limiter.hit(LIMIT, "a")

    with pytest.raises(RateLimited) as refusal:
        limiter.hit(LIMIT, "a")
    assert refusal.value.retry_after_s == 2


@pytest.mark.parametrize(
    ("ahead_ms", "passes"), [(0, False), (CLOCKS_DIFFER_MS, False), (CLOCKS_DIFFER_MS + 1, True)]
)
def test_clocks_that_differ_by_less_than_a_minute_fill_one_bucket(ahead_ms: int, passes: bool) -> None:
    now, full = 1_000_000, 1_000_000 + 3 * 2000

    if passes:
        assert LIMIT.taken(full + ahead_ms, now) == full
    else:
        with pytest.raises(RateLimited):
            LIMIT.taken(full + ahead_ms, now)
