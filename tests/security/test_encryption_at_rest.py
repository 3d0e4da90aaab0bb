"""Ciphertexts in the wrong place or with anything changed: refused and counted, never garbage (ASVS 11.3)."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from auth_tokens.adapters.kms.cipher import RowCipher
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.keys import KeyState, Purpose, StoredKey
from tests.support.fakes import FakeKeyTable, FakeKeyWrapper, key_ring
from tests.support.world import START, Clock, RecordedTelemetry

COLUMN = "auth_user_tokens.metadata"
ROW, OTHER_ROW = b"r" * 16, b"o" * 16
ALICE, BOB = "alice-id", "bob-id"
PLAIN = b'{"address":"192.0.2.7","name":"phone"}'


@dataclass
class Rest:
    """One key table and KMS, and as many environments on them as a test likes."""

    table: FakeKeyTable = field(default_factory=FakeKeyTable)
    wrapper: FakeKeyWrapper = field(default_factory=FakeKeyWrapper)
    clock: Clock = field(default_factory=Clock)
    telemetry: RecordedTelemetry = field(default_factory=RecordedTelemetry)

    def cipher(self, column: str = COLUMN) -> RowCipher:
        keys = key_ring(self.table, self.wrapper, self.clock, self.telemetry, may_create=True)
        return RowCipher(column, keys, self.telemetry)

    def add_epoch(self, epoch: int) -> None:
        kid = f"metadata.{epoch}"
        wrapped = self.wrapper.wrap(bytes([epoch]) * 32, {"purpose": "metadata", "kid": kid})
        self.table.insert(
            StoredKey(kid, Purpose.METADATA, epoch, KeyState.ACTIVE, "HKDF-SHA-256", wrapped, None, START)
        )

    @property
    def failures(self) -> float:
        return self.telemetry.counts.get("DecryptFailed", 0)


@pytest.fixture
def rest() -> Rest:
    return Rest()


@pytest.mark.parametrize("plain", [PLAIN, b"", b"\0" * 5000])
def test_what_was_sealed_for_a_row_opens_for_it_in_any_environment(rest: Rest, plain: bytes) -> None:
    sealed = rest.cipher().seal(plain, ROW, ALICE)

    assert rest.cipher().open(sealed, ROW, ALICE) == plain
    assert rest.failures == 0


def test_the_plaintext_is_not_in_the_ciphertext(rest: Rest) -> None:
    sealed = rest.cipher().seal(PLAIN, ROW, ALICE)

    assert b"192.0.2.7" not in sealed
    assert len(sealed) == 3 + 12 + len(PLAIN) + 16


def test_the_ciphertext_of_another_row(rest: Rest) -> None:
    cipher = rest.cipher()
    mine, others = cipher.seal(PLAIN, ROW, ALICE), cipher.seal(PLAIN, OTHER_ROW, ALICE)

    assert cipher.open(others, ROW, ALICE) is None
    assert cipher.open(mine, OTHER_ROW, ALICE) is None
    assert rest.failures == 2


def test_the_ciphertext_of_another_user(rest: Rest) -> None:
    cipher = rest.cipher()
    sealed = cipher.seal(PLAIN, ROW, ALICE)

    for user in (BOB, "", ALICE + "\0", ALICE.upper(), ALICE[:-1]):
        assert cipher.open(sealed, ROW, user) is None
    assert rest.failures == 5


def test_the_ciphertext_of_another_column(rest: Rest) -> None:
    sealed = rest.cipher("auth_token_events.detail").seal(PLAIN, ROW, ALICE)

    assert rest.cipher().open(sealed, ROW, ALICE) is None
    assert rest.failures == 1


@pytest.mark.parametrize(
    ("column", "row", "user"),
    [("c", b"ol" + b"r" * 16, "u"), ("co", b"r" * 16 + b"u", ""), ("col" + "r", b"r" * 15, "u")],
)
def test_column_row_and_user_cannot_run_into_each_other(
    rest: Rest, column: str, row: bytes, user: str
) -> None:
    sealed = rest.cipher("col").seal(PLAIN, b"r" * 16, "u")

    assert rest.cipher(column).open(sealed, row, user) is None
    assert rest.failures == 1


def test_any_bit_flipped(rest: Rest) -> None:
    cipher = rest.cipher()
    sealed = cipher.seal(PLAIN, ROW, ALICE)

    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        assert cipher.open(bytes(flipped), ROW, ALICE) is None, bit
    assert rest.failures == len(sealed) * 8


def test_a_flipped_epoch_costs_one_more_look_at_the_table_and_no_call_to_kms(rest: Rest) -> None:
    cipher = rest.cipher()
    sealed = cipher.seal(PLAIN, ROW, ALICE)
    calls, reads = len(rest.wrapper.calls), rest.table.reads
    rest.clock.now += 30

    for epoch in range(3, 500):  # the second one is the standby key
        assert cipher.open(sealed[:1] + epoch.to_bytes(2, "big") + sealed[3:], ROW, ALICE) is None

    assert len(rest.wrapper.calls) == calls
    assert rest.table.reads == reads + 1


def test_cut_anywhere(rest: Rest) -> None:
    cipher = rest.cipher()
    sealed = cipher.seal(PLAIN, ROW, ALICE)

    for length in range(len(sealed)):
        assert cipher.open(sealed[:length], ROW, ALICE) is None, length
    for start in range(1, 20):
        assert cipher.open(sealed[start:], ROW, ALICE) is None, start
    assert rest.failures == len(sealed) + 19


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version(rest: Rest, version: int) -> None:
    cipher = rest.cipher()
    sealed = cipher.seal(PLAIN, ROW, ALICE)

    assert cipher.open(bytes([version]) + sealed[1:], ROW, ALICE) is None
    assert rest.failures == 1


def test_the_epoch_of_another_key(rest: Rest) -> None:
    rest.add_epoch(1)
    rest.add_epoch(2)
    cipher = rest.cipher()
    sealed = cipher.seal(PLAIN, ROW, ALICE)

    assert sealed[1:3] == b"\0\2"
    assert cipher.open(sealed[:1] + b"\0\1" + sealed[3:], ROW, ALICE) is None
    assert rest.failures == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c + b"\0",
        lambda c: c[:3] + c[3:15][::-1] + c[15:],
        lambda c: c[:-16] + bytes(16),
        lambda c: c[:15] + c[-16:],
        lambda c: c + c,
        lambda c: PLAIN,
        lambda c: b"\x01\x00\x01" + bytes(60),
        lambda c: b"",
    ],
    ids=["longer", "nonce reversed", "zero tag", "tag alone", "doubled", "plain text", "zeros", "nothing"],
)
def test_a_spoilt_ciphertext(rest: Rest, spoil: Callable[[bytes], bytes]) -> None:
    cipher = rest.cipher()

    assert cipher.open(spoil(cipher.seal(PLAIN, ROW, ALICE)), ROW, ALICE) is None
    assert rest.failures == 1


def test_pieces_of_two_good_ciphertexts_of_one_row(rest: Rest) -> None:
    cipher = rest.cipher()
    one, two = cipher.seal(PLAIN, ROW, ALICE), cipher.seal(PLAIN.upper(), ROW, ALICE)
    cuts = (3, 15, len(PLAIN) + 15)

    for cut, (first, second) in itertools.product(cuts, [(one, two), (two, one)]):
        mixed = first[:cut] + second[cut:]
        if mixed not in (one, two):
            assert cipher.open(mixed, ROW, ALICE) is None
    assert rest.failures == 4


def test_ten_thousand_nonces_never_repeat(rest: Rest) -> None:
    cipher = rest.cipher()

    nonces = {cipher.seal(b"", ROW, ALICE)[3:15] for _ in range(10_000)}

    assert len(nonces) == 10_000


def test_old_rows_still_open_after_a_new_key(rest: Rest) -> None:
    rest.add_epoch(1)
    sealed = rest.cipher().seal(PLAIN, ROW, ALICE)
    rest.add_epoch(2)

    assert rest.cipher().open(sealed, ROW, ALICE) == PLAIN


def test_with_kms_denied_nothing_is_sealed_or_opened(rest: Rest) -> None:
    sealed = rest.cipher().seal(PLAIN, ROW, ALICE)
    rest.wrapper.is_down = True
    cold = rest.cipher()

    with pytest.raises(Unavailable):
        cold.seal(PLAIN, ROW, ALICE)
    with pytest.raises(Unavailable):
        cold.open(sealed, ROW, ALICE)


def test_a_wrapped_key_moved_to_another_purpose_does_not_open(rest: Rest) -> None:
    rest.cipher().seal(PLAIN, ROW, ALICE)
    [metadata, _] = rest.table.rows
    moved = StoredKey(
        "token-chain.1",
        Purpose.TOKEN_CHAIN,
        1,
        KeyState.ACTIVE,
        metadata.algorithm,
        metadata.wrapped_key,
        None,
        START,
    )
    rest.table.rows.append(moved)

    with pytest.raises(Unavailable):
        key_ring(rest.table, rest.wrapper, rest.clock).chain_keys(1)
