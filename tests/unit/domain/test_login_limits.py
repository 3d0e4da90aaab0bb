"""Whose attempt at a password is let through: the rule as a table, both sides of each edge."""

from dataclasses import replace

import pytest

from auth_tokens.domain.errors import RateLimited
from auth_tokens.domain.limits import CLOCKS_DIFFER_MS
from auth_tokens.domain.login_limits import (
    KNOWN_FOR_MS,
    NEW_AFTER_MS,
    Admission,
    Attempt,
    Bucket,
    Levels,
    Settlement,
    Take,
    admission,
    settlements,
)

NOW = 1_800_000_000_000
STRANGER = Attempt("alice", "192.0.2.1", "192.0.2.1")
IPV6 = Attempt("alice", "2001:db8:1:2::/64", "2001:db8:1::/48")
DEVICE = Attempt("alice", "192.0.2.1", "192.0.2.1", "laptop")
ORDINARY = (STRANGER.pair, *STRANGER.sources)
TRIED = NOW - NEW_AFTER_MS


def full(bucket: Bucket) -> int:
    """The earliest TAT that leaves no room."""
    return NOW + bucket.limit.burst_ms + 1


def decided(attempt: Attempt, **tats: int) -> Admission | str:
    """By the names of the attempt's buckets; the name of the limit that refused."""
    named = {
        "pair": attempt.pair,
        "whole": attempt.whole,
        "first": attempt.first,
        "source": attempt.sources[0],
        "site": attempt.sources[-1],
        "reserve": attempt.reserve,
        "mark": attempt.mark,
        "device": attempt.own_device,
    }
    try:
        return admission(attempt, Levels(NOW, {named[name]: tat_ms for name, tat_ms in tats.items()}))
    except RateLimited as refusal:
        return refusal.detail


def taken(admitted: Admission | str) -> set[Bucket]:
    assert isinstance(admitted, Admission), admitted
    return {take.bucket for take in admitted.takes if take.step_ms}


def test_a_new_network_counts_in_the_accounts_bucket_of_new_networks() -> None:
    assert taken(decided(STRANGER)) == {*ORDINARY, STRANGER.first}


@pytest.mark.parametrize(("pair_ms", "is_new"), [(TRIED - 1, True), (TRIED, False), (NOW + 1, False)])
def test_a_network_is_new_again_an_hour_after_its_last_try(pair_ms: int, is_new: bool) -> None:
    whole = STRANGER.first if is_new else STRANGER.whole

    assert taken(decided(STRANGER, pair=pair_ms)) == {*ORDINARY, whole}


def test_ipv6_counts_for_its_site_as_well() -> None:
    assert taken(decided(IPV6)) == {IPV6.pair, *IPV6.sources, IPV6.first}
    assert len(IPV6.sources) == 2 and len(STRANGER.sources) == 1


@pytest.mark.parametrize("name", ["pair", "source"])
def test_a_bucket_takes_its_last_attempt_and_no_more(name: str) -> None:
    bucket = {"pair": STRANGER.pair, "source": STRANGER.sources[0]}[name]

    assert isinstance(decided(STRANGER, **{name: full(bucket) - 1}), Admission)
    assert decided(STRANGER, **{name: full(bucket)}) == bucket.limit.name


def test_a_site_without_room_refuses_all_its_networks() -> None:
    assert decided(IPV6, site=full(IPV6.sources[1])) == "login-site"


def test_of_several_refusals_the_longest_wait_is_told() -> None:
    refused = decided(STRANGER, pair=full(STRANGER.pair) + 10_000, source=full(STRANGER.sources[0]))

    assert refused == "login-pair"


def shut(attempt: Attempt, **tats: int) -> Admission:
    admitted = decided(attempt, first=full(attempt.first) + 7000, **tats)
    assert isinstance(admitted, Admission)
    return admitted


def test_while_an_account_is_shut_a_right_password_opens_to_no_stranger() -> None:
    admitted = shut(STRANGER)

    assert not admitted.opens
    assert admitted.refusal is not None
    assert (admitted.refusal.retry_after_s, admitted.refusal.detail) == (8, "login-first")


def test_an_attempt_at_a_shut_account_is_paid_for_by_its_source_and_leaves_its_own_bucket_alone() -> None:
    admitted = shut(IPV6)

    assert taken(admitted) == set(IPV6.sources)
    assert Take(IPV6.pair, 0) in admitted.takes


@pytest.mark.parametrize(("mark_ms", "opens"), [(NOW + 1, True), (NOW, False), (NOW - 1, False)])
def test_a_known_network_opens_a_shut_account_out_of_its_reserve(mark_ms: int, opens: bool) -> None:
    admitted = shut(STRANGER, mark=mark_ms)

    assert admitted.opens == opens
    assert (STRANGER.reserve in taken(admitted)) == opens


def test_a_known_network_is_refused_as_a_stranger_is() -> None:
    known, stranger = shut(STRANGER, mark=NOW + 1), shut(STRANGER)

    assert known.refusal is not None and stranger.refusal is not None
    assert known.refusal.retry_after_s == stranger.refusal.retry_after_s
    assert known.refusal.detail == stranger.refusal.detail


def test_a_reserve_that_is_used_up_opens_no_more_and_nobody_can_tell() -> None:
    used_up = shut(STRANGER, mark=NOW + 1, reserve=full(STRANGER.reserve))

    assert used_up.opens is False
    assert used_up.takes == shut(STRANGER).takes


def test_a_known_network_whose_own_pair_is_used_up_is_refused_before_the_reserve() -> None:
    refused = decided(STRANGER, pair=full(STRANGER.pair), whole=full(STRANGER.whole), mark=NOW + 1)

    assert refused == "login-pair"


def test_a_known_network_leaves_its_reserve_alone_while_the_account_has_room() -> None:
    assert taken(decided(STRANGER, mark=NOW + 1)) == {*ORDINARY, STRANGER.first}


def test_a_known_device_counts_for_itself_alone_whatever_others_have_used_up() -> None:
    admitted = decided(
        DEVICE,
        pair=full(DEVICE.pair),
        whole=full(DEVICE.whole),
        first=full(DEVICE.first),
        source=full(DEVICE.sources[0]),
    )

    assert taken(admitted) == {DEVICE.own_device}
    assert isinstance(admitted, Admission) and admitted.opens and admitted.refusal is None


def test_a_known_device_has_no_more_than_its_bucket() -> None:
    assert decided(DEVICE, device=full(DEVICE.own_device)) == "login-device"


def test_a_device_is_known_to_its_account_alone() -> None:
    assert DEVICE.own_device != replace(DEVICE, account="bob").own_device


@pytest.mark.parametrize(("ahead_ms", "is_refused"), [(0, True), (1, False), (86_400_000, False)])
def test_a_bucket_filled_by_a_clock_that_was_set_back_refuses_nobody_for_long(
    ahead_ms: int, is_refused: bool
) -> None:
    beyond = STRANGER.pair.limit.beyond_ms(NOW) + ahead_ms

    assert (decided(STRANGER, pair=beyond) == "login-pair") == is_refused
    assert beyond - NOW > CLOCKS_DIFFER_MS


def settled(attempt: Attempt, **tats: int) -> dict[Bucket, Settlement]:
    admitted = decided(attempt, **tats)
    assert isinstance(admitted, Admission)
    return {each.bucket: each for each in settlements(attempt, admitted, NOW)}


def test_a_success_forgets_its_own_failures_and_gives_back_what_it_took_of_the_account() -> None:
    after = settled(STRANGER, pair=NOW)

    assert after[STRANGER.pair] == Settlement(STRANGER.pair, TRIED - 1)
    assert after[STRANGER.whole].refund_ms == STRANGER.whole.limit.interval_ms
    assert after[STRANGER.mark].tat_ms == NOW + KNOWN_FOR_MS
    assert STRANGER.first not in after and STRANGER.sources[0] not in after


def test_a_network_counts_as_new_once_it_has_succeeded() -> None:
    after = settled(STRANGER, pair=NOW)[STRANGER.pair].tat_ms

    assert taken(decided(STRANGER, pair=after)) == {*ORDINARY, STRANGER.first}


def test_a_success_by_a_device_forgets_the_device_s_failures_and_makes_the_network_known() -> None:
    after = settled(DEVICE)

    assert {DEVICE.own_device, DEVICE.pair, DEVICE.reserve, DEVICE.mark} == set(after)


def test_no_network_becomes_known_where_there_was_no_address() -> None:
    assert STRANGER.mark in settled(STRANGER)
    assert Attempt("alice", "", "").mark not in settled(Attempt("alice", "", ""))
