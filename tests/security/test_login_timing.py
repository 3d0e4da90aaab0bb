"""A failed login takes as long whatever its reason: compared by medians of interleaved attempts, in CPU time.

CPU time of this thread, not a clock on the wall, so that a busy machine does not matter; the database, on
whose time nothing here depends, is asked the same in each case (tests/integration/server/test_statement_counts.py).
"""

import statistics
import time

import bcrypt
import pytest

from auth_tokens.adapters.passwords import PortalPasswords
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidCredentials
from auth_tokens.usecases.login import LoginRequest, login
from tests.support.world import PASSWORD, World

ROUNDS = 9
OLDER = {
    "wrong password, bcrypt": bcrypt.hashpw(b"other", bcrypt.gensalt(9)).decode(),
    "wrong password, older Argon2id": PortalPasswords(65_536, 1).upgraded("other", "") or "",
}
# A missing dummy hash makes one case 20 times faster; half as fast is well outside of any noise of CPU time.
BAND = (0.6, 1 / 0.6)


def _cost_s(world: World, username: str, password: str, attempt: int) -> float:
    caller = Caller(f"198.51.100.{attempt % 250}")
    started = time.thread_time()
    with pytest.raises(InvalidCredentials):
        login(LoginRequest(username, password), caller, world.issuing)
    return time.thread_time() - started


def _medians(world: World) -> dict[str, float]:
    """Of each case; every attempt is at an account of its own, so that no limit comes in between."""
    costs: dict[str, list[float]] = {"wrong password": [], "unknown user": [], "disabled user": []}
    for attempt in range(ROUNDS):
        disabled = world.user()
        world.disable(disabled)
        costs["wrong password"].append(_cost_s(world, world.user(), "wrong", attempt))
        costs["unknown user"].append(_cost_s(world, f"nobody-{attempt}@example.com", PASSWORD, attempt))
        costs["disabled user"].append(_cost_s(world, disabled, PASSWORD, attempt))
        for case, older in OLDER.items():
            costs.setdefault(case, []).append(_cost_s(world, _user_with(world, older), "wrong", attempt))
    return {case: statistics.median(found) for case, found in costs.items()}


def _user_with(world: World, password_hash: str) -> str:
    name = world.user()
    world.sql("UPDATE auth_users SET password_hash = %s WHERE username = %s", password_hash, name)
    return name


def _are_alike(medians: dict[str, float]) -> bool:
    reference = medians["wrong password"]
    return all(BAND[0] < cost / reference < BAND[1] for cost in medians.values())


def test_unknown_wrong_and_disabled_cost_the_same_whatever_the_hash(world: World) -> None:
    for older in OLDER.values():
        _user_with(world, older)
    login_once = world.user()
    world.login(login_once)  # the keys are made, and the kinds of hashes are looked up, at the first use
    _cost_s(world, "nobody@example.com", PASSWORD, 0)

    medians = _medians(world)

    assert _are_alike(medians), medians


def test_the_comparison_would_find_hashes_that_are_not_padded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PortalPasswords, "_add_kind", lambda *_: None)
    monkeypatch.setattr(world.issuing.passwords, "_bcrypt", None)
    monkeypatch.setattr(
        world.issuing.passwords, "_dummies", {world.issuing.passwords._own: world.issuing.passwords._dummy}
    )

    assert not _are_alike(_medians(world))


def test_the_comparison_would_find_a_missing_dummy_hash(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PortalPasswords.verify
    monkeypatch.setattr(
        PortalPasswords,
        "verify",
        lambda self, password, stored: False if stored is None else real(self, password, stored),
    )

    assert not _are_alike(_medians(world))
