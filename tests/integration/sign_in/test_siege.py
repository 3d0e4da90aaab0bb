"""Guessers do not keep an owner out, and find out nothing by it: on the real use case and the real database."""

from dataclasses import dataclass, replace

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidCredentials, RateLimited
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.limits import LOGIN_FIRST, LOGIN_PER_ACCOUNT, LOGIN_PER_DEVICE, LOGIN_PER_PAIR
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.login import LoginRequest, login
from tests.docs.markdown import DOCS, table
from tests.support.siege import (
    Attackers,
    Outcome,
    besieged,
    from_a_known_network,
    from_a_new_address,
    on_a_known_device,
)
from tests.support.world import World

RIGHT = "right"
HOME, AWAY = "192.0.2.1", "192.0.2.2"


@dataclass
class PlainPasswords:
    """Port PasswordHasher without its cost. Counts what it is asked."""

    asked: int = 0

    def verify(self, password: str, password_hash: str | None) -> bool:
        self.asked += 1
        return password == RIGHT and password_hash is not None

    def upgraded(self, password: str, password_hash: str) -> str | None:
        return None


class Siege:
    """One account, besieged."""

    def __init__(self, world: World, name: str | None = None) -> None:
        self.world = world
        self.name = name or world.user()
        self.passwords = PlainPasswords()
        self.answered: list[type[Exception]] = []
        self.deps: IssueDeps = replace(world.issuing, passwords=self.passwords)

    def try_in(
        self, address: str, password: str = RIGHT, device_token: str | None = None, **device: object
    ) -> TokenAnswer:
        options = SessionOptions(device=DeviceRequest(**device))  # type: ignore[arg-type]
        return login(LoginRequest(self.name, password, options, device_token), Caller(address), self.deps)

    def app_token(self) -> str:
        """A device token of another client."""
        options = SessionOptions(client_id="portal-app", device=DeviceRequest(remember=True))
        return login(LoginRequest(self.name, RIGHT, options), Caller(HOME), self.deps).device_token or ""

    def gets_in(self, address: str, device_token: str | None = None) -> bool:
        try:
            return bool(self.try_in(address, device_token=device_token))
        except RateLimited:
            return False

    def guess(self, address: str, device_token: str | None = None) -> type[Exception]:
        with pytest.raises((InvalidCredentials, RateLimited)) as refusal:
            self.try_in(address, "wrong", device_token)
        self.answered.append(refusal.type)
        return refusal.type

    def guess_from_everywhere(self, guesses: int = 2 * LOGIN_PER_ACCOUNT.burst + 4) -> None:
        """From ever new networks, twice from each: what shuts the account to strangers."""
        for number in range(guesses):
            network = number // 2
            self.guess(f"10.{network >> 16}.{network >> 8 & 255}.{network & 255}")

    def shut(self) -> None:
        """Until both of the account's buckets are used up."""
        self.guess_from_everywhere()
        assert self.guess("10.9.9.8") is self.guess("10.9.9.8") is RateLimited


@pytest.fixture
def siege(world: World) -> Siege:
    world.clock.now += 3600  # the sources of other tests have recovered
    return Siege(world)


def test_one_address_at_two_guesses_a_second_does_not_keep_the_owner_out(siege: Siege) -> None:
    for second in range(120):
        for _ in range(2):
            siege.guess("203.0.113.1")
        if second % 15 == 0:
            assert siege.gets_in(f"198.51.100.{second}")
        siege.world.clock.now += 1


def test_addresses_in_turn_do_not_keep_the_owner_out(siege: Siege) -> None:
    for number in range(400):
        siege.guess(f"203.0.113.{number % 200}")
        siege.world.clock.now += number % 2

    siege.world.clock.now += 120
    for number in range(60):
        siege.guess(f"203.0.113.{number % 200}")

    assert siege.gets_in(HOME)


def test_the_next_64_of_an_ipv6_guesser_is_another_source_and_its_own_64_is_not(siege: Siege) -> None:
    for number in range(LOGIN_PER_PAIR.burst):
        assert siege.guess(f"2001:db8:1:2::{number:x}") is InvalidCredentials

    assert siege.guess("2001:db8:1:2:ffff::1") is RateLimited
    assert siege.guess("2001:db8:1:3::1") is InvalidCredentials


def test_strangers_get_no_more_than_a_hundred_guesses_at_once(siege: Siege) -> None:
    siege.guess_from_everywhere()
    outcomes = [siege.guess(f"203.0.113.{number // 2}") for number in range(100)]

    assert siege.answered.count(InvalidCredentials) == LOGIN_PER_ACCOUNT.burst + LOGIN_FIRST.burst == 100
    assert set(outcomes) == {RateLimited}


def test_the_owner_gets_in_from_where_they_signed_in_lately(siege: Siege) -> None:
    siege.try_in(HOME)
    siege.shut()

    assert not siege.gets_in(AWAY)
    assert siege.gets_in(HOME)
    assert siege.gets_in(HOME)


def test_the_owner_gets_in_from_anywhere_by_a_known_device_whose_token_is_not_spent(siege: Siege) -> None:
    token = siege.try_in(HOME, remember=True).device_token
    siege.shut()

    assert not siege.gets_in(AWAY)
    assert siege.gets_in(AWAY, token)
    assert exchange_device_token(ExchangeRequest(token or ""), Caller(AWAY), siege.deps)


def test_a_device_whose_network_is_used_up_by_a_guesser_still_gets_in(siege: Siege) -> None:
    token = siege.try_in(HOME, remember=True).device_token
    while siege.guess(HOME) is InvalidCredentials:
        pass

    assert not siege.gets_in(HOME)
    assert siege.gets_in(HOME, token)


def test_who_holds_a_device_token_has_no_more_guesses_than_its_bucket(siege: Siege) -> None:
    token = siege.try_in(HOME, remember=True).device_token

    outcomes = [siege.guess(f"203.0.113.{number}", token) for number in range(LOGIN_PER_DEVICE.burst + 5)]

    assert outcomes.count(InvalidCredentials) == LOGIN_PER_DEVICE.burst
    assert outcomes.count(RateLimited) == 5


def other_tokens(siege: Siege) -> dict[str, str]:
    """What shows no known device of this account."""
    neighbour = Siege(siege.world)
    stolen = siege.try_in(HOME, remember=True)
    spent = stolen.device_token or ""
    device = siege.try_in(HOME, remember=True)
    forgotten = siege.try_in(HOME, remember=True)
    siege.world.sql(
        "UPDATE auth_user_tokens SET revoked_at = UTC_TIMESTAMP(6) WHERE token_hash = %s",
        siege.deps.codec.store_hash(_parsed(siege, forgotten.device_token)),
    )
    exchange_device_token(ExchangeRequest(spent), Caller(HOME), siege.deps)
    good = device.device_token or ""
    return {
        "of another account": neighbour.try_in(HOME, remember=True).device_token or "",
        "spent": spent,
        "forgotten": forgotten.device_token or "",
        "refresh token": device.token,
        "forged": good[:60] + ("A" if good[60] != "A" else "B") + good[61:],
        "cut": good[:-1],
        "empty": "",
        "garbage": "aut_dt_" + "\u00e9" * 100,
        "of another client": siege.app_token(),
    }


def _parsed(siege: Siege, text: str | None) -> OpaqueToken:
    return siege.deps.codec.parse(text or "", TokenKind.DEVICE)


def test_any_other_token_counts_for_nothing_and_is_no_error(siege: Siege) -> None:
    tokens = other_tokens(siege)
    assert {name: siege.gets_in(AWAY, token) for name, token in tokens.items()} == dict.fromkeys(tokens, True)
    siege.shut()

    assert {name: siege.gets_in("192.0.2.3", token) for name, token in tokens.items()} == dict.fromkeys(
        tokens, False
    )


@pytest.mark.parametrize("known", [True, False], ids=["known account", "unknown account"])
def test_an_unknown_account_is_besieged_as_a_known_one(world: World, known: bool) -> None:
    siege = Siege(world, None if known else f"nobody-{world.clock.now}@example.com")

    outcomes = [siege.guess(f"203.0.113.{number // 15}") for number in range(200)]

    assert outcomes[:30] == ([InvalidCredentials] * 10 + [RateLimited] * 5) * 2
    assert outcomes.count(InvalidCredentials) == LOGIN_PER_ACCOUNT.burst + 14  # the first of each network
    siege.shut()
    with pytest.raises(RateLimited) as refusal:
        siege.try_in(AWAY)
    assert refusal.value.retry_after_s <= LOGIN_PER_ACCOUNT.interval_ms // 1000


def test_a_wrong_password_from_a_known_network_is_told_from_a_strangers_by_nothing(siege: Siege) -> None:
    siege.try_in(HOME)
    siege.shut()

    def seen(address: str) -> tuple[type[Exception], int, int]:
        asked = siege.passwords.asked
        with pytest.raises((InvalidCredentials, RateLimited)) as refusal:
            siege.try_in(address, "wrong")
        wait_s = getattr(refusal.value, "retry_after_s", 0)
        return refusal.type, wait_s, siege.passwords.asked - asked

    seen(HOME), seen(AWAY)
    for _ in range(2 * LOGIN_PER_PAIR.burst):  # also beyond the known network's reserve
        assert seen(HOME) == seen(AWAY)
    assert seen(HOME)[0] is RateLimited

    siege.world.clock.now += 600
    assert seen(HOME) == seen(AWAY)


def test_attempts_refused_while_an_account_is_shut_make_no_wait_longer(siege: Siege) -> None:
    siege.shut()
    siege.gets_in(AWAY)
    waits = set()
    for _ in range(30):
        with pytest.raises(RateLimited) as refusal:
            siege.try_in(AWAY)
        waits.add(refusal.value.retry_after_s)
    siege.world.clock.now += max(waits)

    assert len(waits) == 1
    assert siege.gets_in(AWAY)


def test_a_success_forgets_the_failures_of_its_own_network(siege: Siege) -> None:
    for _ in range(3):
        for _ in range(LOGIN_PER_PAIR.burst - 1):
            assert siege.guess(HOME) is InvalidCredentials
        assert siege.gets_in(HOME)


def test_successes_at_home_give_guessers_no_further_guesses(siege: Siege) -> None:
    siege.try_in(HOME)
    siege.shut()

    assert siege.gets_in(HOME)

    assert siege.guess("10.9.9.8") is siege.guess("10.9.9.8") is RateLimited


def test_signing_in_again_and_again_uses_nothing_up(siege: Siege) -> None:
    assert all(siege.gets_in(HOME) for _ in range(LOGIN_PER_ACCOUNT.burst + 1))
    assert siege.gets_in(AWAY)


def test_a_flood_that_is_refused_at_once_writes_nothing(siege: Siege) -> None:
    while siege.guess(HOME) is InvalidCredentials:
        pass
    before = siege.world.sql("CHECKSUM TABLE auth_token_limits, auth_token_events")
    asked = siege.passwords.asked

    for _ in range(20):
        siege.guess(HOME)

    assert siege.world.sql("CHECKSUM TABLE auth_token_limits, auth_token_events") == before
    assert siege.passwords.asked == asked


CASES = {
    "1": Attackers(2, 1),
    "3 in turn": Attackers(2, 3),
    "250 in turn": Attackers(2, 250),
    "ever new ones": Attackers(2, None),
    "ever new ones, twice each": Attackers(2, None, 2),
}
COLUMNS = {
    "new address": (from_a_new_address, False),
    "new address, mistyped once": (from_a_new_address, True),
    "known network": (from_a_known_network, False),
    "known device": (on_a_known_device, False),
}


@pytest.mark.parametrize("sources", CASES)
def test_the_documented_chances_of_the_owner_are_those_of_the_rules(sources: str) -> None:
    rows = {
        row["networks"]: row
        for row in table(DOCS / "reference" / "limits.md", "Under siege", "networks").rows
    }

    outcomes = {
        name: besieged(CASES[sources], visit, mistyped=mistyped)
        for name, (visit, mistyped) in COLUMNS.items()
    }

    assert set(rows) == set(CASES)
    assert {name: rows[sources][name] for name in COLUMNS} == {
        name: _per_cent(outcome) for name, outcome in outcomes.items()
    }
    assert rows[sources]["guesses an hour"] == str(outcomes["known device"].guesses_an_hour)


def _per_cent(outcome: Outcome) -> str:
    return f"{100 * outcome.entered // outcome.visits} %"
