"""The refresh decision as a table: one row a case, both sides of every edge."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from auth_tokens.domain.bounds import MAX_RETRY_WINDOW_S
from auth_tokens.domain.rotation import (
    Overtaken,
    Presented,
    Refuse,
    Repeat,
    Reuse,
    ReuseKind,
    Rotate,
    Verdict,
    decide,
)
from auth_tokens.domain.sessions import ActiveRow, TokenRecord, User
from auth_tokens.domain.tokens import MAX_GENERATION, TokenKind

NOW = 1_800_000_000
WINDOW = 10
CURRENT_HASH, OTHER_HASH = b"c" * 32, b"o" * 32
KEY, OTHER_KEY = b"k" * 32, b"x" * 32
RECENT, OLDER = ReuseKind.RECENT_PREDECESSOR, ReuseKind.OLDER_GENERATION

RECORD = TokenRecord(
    id=b"i" * 16,
    kind=TokenKind.REFRESH,
    user_id="u",
    device_id=b"d" * 16,
    client_id="portal-web",
    scope="portal:read",
    generation=5,
    token_hash=CURRENT_HASH,
    key_epoch=2,
    retry_key_hash=None,
    rotated_at=NOW - 100,
    created_at=NOW - 1000,
    last_used_at=NOW - 100,
    auth_time=NOW - 1000,
    acr="",
    amr=("pwd",),
    expires_at=NOW + 500,
    absolute_expires_at=NOW + 5000,
    owner=User("u", "alice", is_active=True),
)
SHOWN = Presented(generation=5, epoch=2, store_hash=CURRENT_HASH, client_id="portal-web")
JKT, OTHER_JKT = "j" * 43, "o" * 43
BOUND = replace(RECORD, jkt=JKT)
PREDECESSOR = replace(SHOWN, generation=4, store_hash=OTHER_HASH)

# What is decided on a row that is in force says of which: the record, with its owner and hash.
OnRow = Callable[[ActiveRow], Verdict]


def reuse(kind: ReuseKind, behind: int, since: int) -> OnRow:
    return lambda row: Reuse(row, kind, behind, since)


def expected_of(record: TokenRecord | None, told: Verdict | OnRow) -> Verdict:
    if isinstance(told, Refuse | Overtaken):
        return told
    assert (
        callable(told) and record is not None and record.owner is not None and record.token_hash is not None
    )
    return told(ActiveRow(record, record.owner, record.token_hash))


CASES: dict[str, tuple[TokenRecord | None, Presented, Verdict | OnRow]] = {
    "unknown session": (None, SHOWN, Refuse("unknown")),
    "a device that holds no token": (replace(RECORD, token_hash=None), SHOWN, Refuse("unknown")),
    "current": (RECORD, SHOWN, Rotate),
    "current, with a retry key": (RECORD, replace(SHOWN, retry_key_hash=KEY), Rotate),
    "current, wrong secret": (RECORD, replace(SHOWN, store_hash=OTHER_HASH), Refuse("hash_mismatch")),
    "current, other key epoch": (RECORD, replace(SHOWN, epoch=1), Refuse("hash_mismatch")),
    "current, never rotated": (
        replace(RECORD, generation=0, rotated_at=None),
        replace(SHOWN, generation=0),
        Rotate,
    ),
    "last generation of all": (
        replace(RECORD, generation=MAX_GENERATION),
        replace(SHOWN, generation=MAX_GENERATION),
        Refuse("chain_exhausted"),
    ),
    "from the future": (RECORD, replace(SHOWN, generation=6), Refuse("from_the_future")),
    "predecessor, last second of the window": (
        replace(RECORD, rotated_at=NOW - 9),
        PREDECESSOR,
        Repeat,
    ),
    "predecessor, window just over": (
        replace(RECORD, rotated_at=NOW - 10),
        PREDECESSOR,
        reuse(RECENT, 1, 10),
    ),
    "predecessor of a row that was never rotated: nothing to forgive": (
        replace(RECORD, generation=1, rotated_at=None),
        replace(PREDECESSOR, generation=0),
        reuse(RECENT, 1, 1000),
    ),
    "predecessor, rotated by a clock ahead of ours": (
        replace(RECORD, rotated_at=NOW + 3),
        PREDECESSOR,
        Repeat,
    ),
    "predecessor within the window, other retry keys": (
        replace(RECORD, rotated_at=NOW - 1, retry_key_hash=KEY),
        replace(PREDECESSOR, retry_key_hash=OTHER_KEY),
        Repeat,
    ),
    "predecessor late, but current when this call began": (
        RECORD,
        replace(PREDECESSOR, raced=True),
        Repeat,
    ),
    "two behind, though current when this call began": (
        RECORD,
        replace(PREDECESSOR, generation=3, raced=True),
        Overtaken(),
    ),
    "revoked while this call raced": (
        replace(RECORD, revoked_at=NOW),
        replace(PREDECESSOR, raced=True),
        Refuse("revoked"),
    ),
    "predecessor of another epoch within the window": (
        replace(RECORD, rotated_at=NOW - 1),
        replace(PREDECESSOR, epoch=1),
        Repeat,
    ),
    "predecessor of another epoch late, same retry key": (
        replace(RECORD, retry_key_hash=KEY),
        replace(PREDECESSOR, epoch=1, retry_key_hash=KEY),
        Repeat,
    ),
    "predecessor of another epoch late": (RECORD, replace(PREDECESSOR, epoch=1), reuse(RECENT, 1, 100)),
    "current of a newer epoch than the row's": (RECORD, replace(SHOWN, epoch=3), Refuse("hash_mismatch")),
    "predecessor late, no retry key on either side": (RECORD, PREDECESSOR, reuse(RECENT, 1, 100)),
    "predecessor, same retry key, one second before the idle end": (
        replace(RECORD, retry_key_hash=KEY, expires_at=NOW + 1),
        replace(PREDECESSOR, retry_key_hash=KEY),
        Repeat,
    ),
    "predecessor, same retry key, at the idle end": (
        replace(RECORD, retry_key_hash=KEY, expires_at=NOW),
        replace(PREDECESSOR, retry_key_hash=KEY),
        Refuse("expired"),
    ),
    "predecessor, same retry key, one second before the absolute end": (
        replace(RECORD, retry_key_hash=KEY, absolute_expires_at=NOW + 1),
        replace(PREDECESSOR, retry_key_hash=KEY),
        Repeat,
    ),
    "predecessor, same retry key, at the absolute end": (
        replace(RECORD, retry_key_hash=KEY, absolute_expires_at=NOW),
        replace(PREDECESSOR, retry_key_hash=KEY),
        Refuse("expired"),
    ),
    "predecessor, same retry key, within the window": (
        replace(RECORD, retry_key_hash=KEY, rotated_at=NOW - 9),
        replace(PREDECESSOR, retry_key_hash=KEY),
        Repeat,
    ),
    "predecessor, same retry key, window just over": (
        replace(RECORD, retry_key_hash=KEY, rotated_at=NOW - 10),
        replace(PREDECESSOR, retry_key_hash=KEY),
        Repeat,
    ),
    "predecessor late, same retry key": (
        replace(RECORD, retry_key_hash=KEY),
        replace(PREDECESSOR, retry_key_hash=KEY),
        Repeat,
    ),
    "predecessor late, other retry key": (
        replace(RECORD, retry_key_hash=KEY),
        replace(PREDECESSOR, retry_key_hash=OTHER_KEY),
        reuse(RECENT, 1, 100),
    ),
    "predecessor late, key only at the rotation": (
        replace(RECORD, retry_key_hash=KEY),
        PREDECESSOR,
        reuse(RECENT, 1, 100),
    ),
    "predecessor late, key only now": (
        RECORD,
        replace(PREDECESSOR, retry_key_hash=KEY),
        reuse(RECENT, 1, 100),
    ),
    "two behind, within the window": (
        replace(RECORD, rotated_at=NOW - 1),
        replace(PREDECESSOR, generation=3),
        reuse(OLDER, 2, 1),
    ),
    "two behind, with the right retry key": (
        replace(RECORD, retry_key_hash=KEY),
        replace(PREDECESSOR, generation=3, retry_key_hash=KEY),
        reuse(OLDER, 2, 100),
    ),
    "the first of all": (RECORD, replace(PREDECESSOR, generation=0), reuse(OLDER, 5, 100)),
    "another client": (RECORD, replace(SHOWN, client_id="other"), Refuse("other_client")),
    "another client with the right retry key": (
        replace(RECORD, retry_key_hash=KEY),
        replace(PREDECESSOR, client_id="other", retry_key_hash=KEY),
        Refuse("other_client"),
    ),
    "another client from the future": (
        RECORD,
        replace(SHOWN, client_id="other", generation=6),
        Refuse("other_client"),
    ),
    "from far in the future": (RECORD, replace(SHOWN, generation=MAX_GENERATION), Refuse("from_the_future")),
    "another client with a spent token": (
        RECORD,
        replace(PREDECESSOR, client_id="other"),
        Refuse("other_client"),
    ),
    "revoked": (replace(RECORD, revoked_at=NOW - 1), SHOWN, Refuse("revoked")),
    "evicted": (replace(RECORD, revoked_at=NOW, revoke_reason="evicted"), SHOWN, Refuse("revoked")),
    "revoked, predecessor within the window": (
        replace(RECORD, revoked_at=NOW - 1, rotated_at=NOW - 1),
        PREDECESSOR,
        Refuse("revoked"),
    ),
    "evicted, predecessor with the right retry key": (
        replace(RECORD, revoked_at=NOW, revoke_reason="evicted", retry_key_hash=KEY),
        replace(PREDECESSOR, retry_key_hash=KEY),
        Refuse("revoked"),
    ),
    "revoked, older generation": (
        replace(RECORD, revoked_at=NOW - 1),
        replace(PREDECESSOR, generation=1),
        Refuse("revoked"),
    ),
    "user deleted": (replace(RECORD, owner=None), SHOWN, Refuse("user_not_active")),
    "user deleted, predecessor within the window": (
        replace(RECORD, owner=None, rotated_at=NOW - 1),
        PREDECESSOR,
        Refuse("user_not_active"),
    ),
    "user disabled, older generation": (
        replace(RECORD, owner=User("u", "alice", is_active=False)),
        replace(PREDECESSOR, generation=1),
        Refuse("user_not_active"),
    ),
    "user disabled": (
        replace(RECORD, owner=User("u", "alice", is_active=False)),
        SHOWN,
        Refuse("user_not_active"),
    ),
    "user disabled, predecessor within the window": (
        replace(RECORD, owner=User("u", "alice", is_active=False), rotated_at=NOW - 1),
        PREDECESSOR,
        Refuse("user_not_active"),
    ),
    "predecessor, in a request that came within the window": (
        replace(RECORD, rotated_at=NOW - 20),
        replace(PREDECESSOR, arrived_at=NOW - 11),
        Repeat,
    ),
    "predecessor, in a request that came when the window was over": (
        replace(RECORD, rotated_at=NOW - 20),
        replace(PREDECESSOR, arrived_at=NOW - 10),
        reuse(RECENT, 1, 10),
    ),
    "predecessor, in a request that came before the rotation": (
        replace(RECORD, rotated_at=NOW - 20),
        replace(PREDECESSOR, arrived_at=NOW - 25),
        Repeat,
    ),
    "predecessor, in a request that was under way for as long as any is": (
        replace(RECORD, rotated_at=NOW - 39),
        replace(PREDECESSOR, arrived_at=NOW - 30),
        Repeat,
    ),
    "predecessor, in a request that was under way for longer than any is": (
        replace(RECORD, rotated_at=NOW - 40),
        replace(PREDECESSOR, arrived_at=NOW - 40),
        reuse(RECENT, 1, 10),
    ),
    "predecessor, by a gateway whose clock is ahead": (
        replace(RECORD, rotated_at=NOW - 9),
        replace(PREDECESSOR, arrived_at=NOW + 5),
        Repeat,
    ),
    "an older generation, in a request that came before the rotation": (
        replace(RECORD, rotated_at=NOW - 1),
        replace(PREDECESSOR, generation=3, arrived_at=NOW - 25),
        reuse(OLDER, 2, 0),
    ),
    "current, in a request that came long ago": (RECORD, replace(SHOWN, arrived_at=NOW - 25), Rotate),
    "bound, current, with its key": (BOUND, replace(SHOWN, jkt=JKT), Rotate),
    "bound, current, without a proof": (BOUND, SHOWN, Refuse("other_key")),
    "bound, current, with another key": (BOUND, replace(SHOWN, jkt=OTHER_JKT), Refuse("other_key")),
    "bound, predecessor late, with its key": (BOUND, replace(PREDECESSOR, jkt=JKT), Repeat),
    "bound, predecessor late, with its key, window off and other retry key": (
        replace(BOUND, retry_key_hash=KEY),
        replace(PREDECESSOR, jkt=JKT, retry_key_hash=OTHER_KEY),
        Repeat,
    ),
    "bound, predecessor within the window, without a proof": (
        replace(BOUND, rotated_at=NOW - 1),
        PREDECESSOR,
        Refuse("other_key"),
    ),
    "bound, predecessor with the right retry key, without a proof": (
        replace(BOUND, retry_key_hash=KEY),
        replace(PREDECESSOR, retry_key_hash=KEY),
        Refuse("other_key"),
    ),
    "bound, predecessor with another key": (BOUND, replace(PREDECESSOR, jkt=OTHER_JKT), Refuse("other_key")),
    "bound, two behind, with its key": (
        BOUND,
        replace(PREDECESSOR, generation=3, jkt=JKT),
        reuse(OLDER, 2, 100),
    ),
    "bound, two behind, with another key": (
        BOUND,
        replace(PREDECESSOR, generation=3, jkt=OTHER_JKT),
        Refuse("other_key"),
    ),
    "bound, another client with the key": (
        BOUND,
        replace(SHOWN, client_id="other", jkt=JKT),
        Refuse("other_client"),
    ),
    "bound, revoked, with its key": (
        replace(BOUND, revoked_at=NOW - 1),
        replace(PREDECESSOR, jkt=JKT),
        Refuse("revoked"),
    ),
    "bound, expired, predecessor with its key": (
        replace(BOUND, expires_at=NOW),
        replace(PREDECESSOR, jkt=JKT),
        Refuse("expired"),
    ),
    "unbound, current, with a proof": (RECORD, replace(SHOWN, jkt=JKT), Rotate),
    "unbound, predecessor late, with a proof": (RECORD, replace(PREDECESSOR, jkt=JKT), reuse(RECENT, 1, 100)),
    "one second before the idle end": (replace(RECORD, expires_at=NOW + 1), SHOWN, Rotate),
    "at the idle end": (replace(RECORD, expires_at=NOW), SHOWN, Refuse("expired")),
    "one second before the absolute end": (replace(RECORD, absolute_expires_at=NOW + 1), SHOWN, Rotate),
    "at the absolute end": (replace(RECORD, absolute_expires_at=NOW), SHOWN, Refuse("expired")),
    "expired, older generation": (
        replace(RECORD, expires_at=NOW),
        replace(PREDECESSOR, generation=1),
        Refuse("expired"),
    ),
    "expired, predecessor within the window": (
        replace(RECORD, expires_at=NOW, rotated_at=NOW - 1),
        PREDECESSOR,
        Refuse("expired"),
    ),
}


@pytest.mark.parametrize(("record", "presented", "expected"), CASES.values(), ids=CASES.keys())
def test_decision(record: TokenRecord | None, presented: Presented, expected: Verdict | OnRow) -> None:
    assert decide(record, presented, NOW, WINDOW) == expected_of(record, expected)


@pytest.mark.parametrize(("since", "expected"), [(59, Repeat), (60, reuse(RECENT, 1, 60))])
def test_the_longest_window_ends_at_its_sixtieth_second(since: int, expected: OnRow) -> None:
    record = replace(RECORD, rotated_at=NOW - since)

    assert decide(record, PREDECESSOR, NOW, MAX_RETRY_WINDOW_S) == expected_of(record, expected)


def test_the_window_does_not_slide_with_use() -> None:
    record = replace(RECORD, rotated_at=NOW - 10, last_used_at=NOW)

    assert decide(record, PREDECESSOR, NOW, WINDOW) == expected_of(record, reuse(RECENT, 1, 10))


def test_a_window_of_zero_switches_the_window_off() -> None:
    record = replace(RECORD, rotated_at=NOW)

    assert decide(record, PREDECESSOR, NOW, 0) == expected_of(record, reuse(RECENT, 1, 0))


def test_a_window_of_zero_leaves_the_idempotency_key() -> None:
    record = replace(RECORD, rotated_at=NOW, retry_key_hash=KEY)

    assert decide(record, replace(PREDECESSOR, retry_key_hash=KEY), NOW, 0) == expected_of(record, Repeat)
