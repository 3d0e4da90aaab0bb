"""Key rotation on a register in memory. tests/integration/keys has a year of it on a database and KMS."""

from dataclasses import dataclass, field, replace

import pytest

from auth_tokens.domain.errors import InvalidRequest, Unavailable
from auth_tokens.domain.events import EventType, SecurityEvent
from auth_tokens.domain.key_steps import Add, Advance, KeySchedule
from auth_tokens.domain.keys import KeyState, Purpose, StoredKey
from auth_tokens.usecases.rotate_keys import (
    MAX_RACES,
    RotateKeysDeps,
    rotate_keys,
    withdraw_data_key,
    withdraw_signing_key,
)
from tests.support.world import START, Clock

SCHEDULE = KeySchedule(use_for_s=1000, publish_wait_s=100, retire_wait_s=300)


@dataclass
class MemoryRegister:
    """Port ports.keys.KeyRegister. lost: how many of the next steps others take first."""

    keys: list[StoredKey] = field(default_factory=list)
    lost: int = 0

    def of(self, purpose: Purpose) -> list[StoredKey]:
        return [key for key in self.keys if key.purpose is purpose]

    def add(self, step: Add, now: int) -> bool:
        if self._is_lost() or any(key.epoch == step.epoch for key in self.of(step.purpose)):
            return False
        kid = f"{step.purpose.value} {step.epoch}"
        self.keys.append(StoredKey(kid, step.purpose, step.epoch, step.state, "ES256", b"", None, now))
        return True

    def advance(self, step: Advance, now: int) -> bool:
        if self._is_lost():
            return False
        [index] = [i for i, key in enumerate(self.keys) if (key.kid, key.state) == (step.kid, step.before)]
        self.keys[index] = replace(self.keys[index], state=step.after, changed_at=now)
        return True

    def _is_lost(self) -> bool:
        self.lost -= 1
        return self.lost >= 0


@dataclass
class MemoryLog:
    """Port ports.events.EventLog. refuses_detail: what encrypts the detail is out of reach."""

    events: list[SecurityEvent] = field(default_factory=list)
    refuses_detail: bool = False

    def record(self, event: SecurityEvent) -> None:
        if self.refuses_detail and event.detail:
            raise Unavailable("kms")
        self.events.append(event)


class Keys:
    """The keys of one purpose, and rotation by the clock."""

    def __init__(self, purpose: Purpose = Purpose.SIGNING) -> None:
        self.register, self.log, self.clock = MemoryRegister(), MemoryLog(), Clock()
        self.deps = RotateKeysDeps(self.register, self.log, self.clock, {purpose: SCHEDULE})
        rotate_keys(self.deps)

    def states(self) -> list[str]:
        return [key.state.value for key in self.register.keys]

    def after(self, seconds: int) -> list[str]:
        self.clock.now += seconds
        rotate_keys(self.deps)
        return self.states()


def test_the_first_run_makes_one_key_in_use_and_a_standby() -> None:
    keys = Keys()

    assert keys.states() == ["signing", "published"]
    assert [event.type for event in keys.log.events] == [EventType.KEYS_ROTATED]


def test_a_run_without_anything_due_changes_nothing_and_records_nothing() -> None:
    keys = Keys()

    assert keys.after(SCHEDULE.use_for_s - 1) == ["signing", "published"]
    assert len(keys.log.events) == 1


def test_a_key_is_succeeded_at_the_second_and_erased_after_its_wait() -> None:
    keys = Keys()

    assert keys.after(SCHEDULE.use_for_s) == ["retired", "signing", "published"]
    assert keys.after(SCHEDULE.retire_wait_s - 1)[0] == "retired"
    assert keys.after(1)[0] == "gone"


def test_a_step_that_another_run_has_taken_ends_the_steps_of_this_one() -> None:
    keys = Keys()
    keys.register.lost = 1

    assert keys.after(SCHEDULE.use_for_s) == ["signing", "published"]
    assert keys.after(0) == ["retired", "signing", "published"]


def test_a_signing_key_that_is_withdrawn_is_gone_and_the_standby_signs() -> None:
    keys = Keys()

    withdraw_signing_key("signing 1", keys.deps)

    assert keys.states() == ["gone", "signing", "published"]
    assert keys.log.events[1].type is EventType.SIGNING_KEY_WITHDRAWN
    assert withdraw_signing_key("signing 1", keys.deps) == []


def test_a_withdrawal_is_recorded_without_its_detail_where_nothing_encrypts_it() -> None:
    keys = Keys()
    keys.log.refuses_detail = True

    withdraw_signing_key("signing 1", keys.deps)

    assert keys.states()[0] == "gone"
    assert (keys.log.events[1].type, keys.log.events[1].detail) == (EventType.SIGNING_KEY_WITHDRAWN, {})


def test_a_data_key_is_withdrawn_as_such_and_not_as_a_signing_key() -> None:
    keys = Keys(Purpose.TOKEN_CHAIN)

    with pytest.raises(InvalidRequest):
        withdraw_signing_key("token-chain 1", keys.deps)
    withdraw_data_key("token-chain 1", keys.deps)

    assert keys.states() == ["gone", "active", "published"]
    assert keys.log.events[1].type is EventType.DATA_KEY_WITHDRAWN


def test_an_unknown_key_is_no_request_and_changes_nothing() -> None:
    keys = Keys()

    for withdraw in (withdraw_signing_key, withdraw_data_key):
        with pytest.raises(InvalidRequest):
            withdraw("unknown", keys.deps)

    assert keys.states() == ["signing", "published"]


@pytest.mark.parametrize(("lost", "withdrawn"), [(MAX_RACES - 2, True), (2 * MAX_RACES, False)])
def test_a_withdrawal_that_loses_races_tries_again_and_then_gives_up(lost: int, withdrawn: bool) -> None:
    keys = Keys()
    keys.register.lost = lost

    if withdrawn:
        withdraw_signing_key("signing 1", keys.deps)
    else:
        with pytest.raises(Unavailable):
            withdraw_signing_key("signing 1", keys.deps)

    assert (keys.register.keys[0].state is KeyState.GONE) is withdrawn
    assert keys.clock.now == START
