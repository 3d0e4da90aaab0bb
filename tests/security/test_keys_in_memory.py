"""Plain keys live in memory alone, for a bounded time, in one process; nothing random is repeated by a copy of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from auth_tokens.adapters.kms.unwrapped_keys import UnwrappedKeyCache
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.keys import PENALTY_S, KeyState, Purpose, StoredKey
from local.host.paths import LAYER
from tests.architecture.deployment import FUNCTIONS, starting
from tests.support.fakes import FakeKeyTable, FakeKeyWrapper, key_ring
from tests.support.world import START, Clock, RecordedTelemetry

MAX_AGE_S = 1000
CONTEXT = {"purpose": "metadata", "kid": "metadata.1"}


class Held:
    """One key, its KMS and clock."""

    def __init__(self) -> None:
        self.wrapper, self.clock, self.telemetry = FakeKeyWrapper(), Clock(), RecordedTelemetry()
        wrapped = self.wrapper.wrap(b"k" * 32, CONTEXT)
        self.row = StoredKey(
            "metadata.1", Purpose.METADATA, 1, KeyState.ACTIVE, "HKDF-SHA-256", wrapped, None, START
        )
        self.keys: UnwrappedKeyCache[bytes] = UnwrappedKeyCache(
            self.wrapper, self.clock, self.telemetry, MAX_AGE_S, lambda row, material: material
        )
        self.wrapper.calls.clear()

    def get_at(self, second: int) -> bytes:
        self.clock.now = START + second
        return self.keys.get(self.row)

    @property
    def calls(self) -> int:
        return len(self.wrapper.calls)


@pytest.fixture
def held() -> Held:
    return Held()


def test_a_key_is_unwrapped_once_in_the_first_half_of_its_age(held: Held) -> None:
    for second in (0, 1, 499):
        assert held.get_at(second) == b"k" * 32

    assert held.calls == 1


def test_from_half_its_age_on_it_is_unwrapped_again(held: Held) -> None:
    held.get_at(0)
    held.get_at(500)
    held.get_at(999)

    assert held.calls == 2
    assert held.get_at(1000)
    assert held.calls == 3


def test_with_kms_away_it_serves_to_its_age_bound_and_not_a_second_longer(held: Held) -> None:
    held.get_at(0)
    held.wrapper.is_down = True

    assert held.get_at(500) and held.get_at(999)
    with pytest.raises(Unavailable):
        held.get_at(1000)


def test_a_key_past_its_bound_is_not_kept_even_unused(held: Held) -> None:
    held.get_at(0)
    other = StoredKey("metadata.2", Purpose.METADATA, 2, KeyState.ACTIVE, "", b"?", None, START)
    held.clock.now = START + MAX_AGE_S

    with pytest.raises(Unavailable):
        held.keys.get(other)

    assert held.keys._held == {}


def test_a_failed_renewal_is_counted_and_tried_again_only_after_a_while(held: Held) -> None:
    held.get_at(0)
    held.wrapper.is_down = True
    for second in range(500, 500 + 3 * PENALTY_S):
        held.get_at(second)

    assert held.telemetry.counts["KeyRenewalFailed"] == 3


def test_a_key_whose_row_is_gone_is_not_served_from_memory() -> None:
    table, wrapper, clock = FakeKeyTable(), FakeKeyWrapper(), Clock()
    keys = key_ring(table, wrapper, clock, may_create=True)
    assert keys.chain_keys(keys.chain_epoch())
    table.advance("token-chain.1", KeyState.ACTIVE, KeyState.GONE, clock.now)
    clock.now += 300

    assert keys.chain_keys(1) is None


def test_no_plain_key_is_in_a_repr(held: Held) -> None:
    table, wrapper = FakeKeyTable(), FakeKeyWrapper()
    keys = key_ring(table, wrapper, may_create=True)
    _, secret = keys.current_row_key(Purpose.METADATA, b"row")
    shown = repr(keys.__dict__) + repr(keys._held._held)

    assert secret is not None
    assert repr(secret)[2:-1] not in shown


FORK = """
import json, os, sys
from tests.support.fakes import FakeKeyTable, FakeKeyWrapper, key_ring
from auth_tokens.adapters.kms.cipher import RowCipher
from auth_tokens.domain.ids import uuid7
from tests.support.world import RecordedTelemetry
import secrets

wrapper = FakeKeyWrapper()
keys = key_ring(FakeKeyTable(), wrapper, may_create=True)
cipher = RowCipher("t.c", keys, RecordedTelemetry())
cipher.seal(b"", b"r" * 16, "u")
held_before = len(keys._held._held)

def outcome():
    held = len(keys._held._held)
    nonces = [cipher.seal(b"", b"r" * 16, "u")[3:15].hex() for _ in range(50)]
    ids = [uuid7(0, secrets.token_bytes(10)).hex() for _ in range(50)]
    return {"held": held, "values": nonces + ids}

reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, json.dumps(outcome()).encode())
    os._exit(0)
os.close(writer)
child = json.loads(os.fdopen(reader).read())
os.wait()
print(json.dumps({"held_before": held_before, "child": child, "parent": outcome()}))
"""


def test_a_forked_child_has_no_key_of_its_parent_and_repeats_none_of_its_random_values() -> None:
    environment = {**os.environ, "PYTHONPATH": f"{Path(__file__).parents[2]}:{LAYER}"}
    done = subprocess.run(
        [sys.executable, "-c", FORK], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    assert (seen["held_before"], seen["child"]["held"], seen["parent"]["held"]) == (1, 0, 1)
    assert not set(seen["child"]["values"]) & set(seen["parent"]["values"])


SNAPSHOT = """
import gc, json
import app
from auth_tokens.adapters.kms.client import KmsClient
from auth_tokens.adapters.kms.unwrapped_keys import UnwrappedKeyCache
from auth_tokens.adapters.mysql.connection import Database

found = {"held": 0, "keys": 0, "connections": 0, "clients": 0}
for thing in gc.get_objects():
    if isinstance(thing, UnwrappedKeyCache):
        found["held"] += 1
        found["keys"] += len(thing._held)
    if isinstance(thing, Database):
        found["connections"] += thing._connection is not None
    if isinstance(thing, KmsClient):
        found["clients"] += thing._client is not None
print(json.dumps(found))
"""


@pytest.mark.parametrize(("function", "rings"), [("issue", 2), ("refresh", 2), ("authorizer", 0)])
def test_what_a_snapshot_would_copy_holds_no_key_no_connection_and_no_client(
    function: str, rings: int
) -> None:
    """SnapStart copies a process after its imports: whatever it holds then, every environment would share."""
    environment = starting(function, FUNCTIONS / function, LAYER)
    done = subprocess.run(
        [sys.executable, "-c", SNAPSHOT], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr

    assert json.loads(done.stdout) == {"held": rings, "keys": 0, "connections": 0, "clients": 0}
