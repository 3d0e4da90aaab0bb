"""A failed login takes as long whatever its reason: compared by medians of interleaved attempts, in CPU time.

CPU time of this thread, not a clock on the wall, so that a busy machine does not matter; the database, on
whose time nothing here depends, is asked the same in each case (tests/integration/test_counts.py).
"""

import statistics
import time

import pytest

from auth_tokens.adapters.passwords import PortalPasswords
from auth_tokens.domain.errors import InvalidCredentials
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.ports import Caller
from tests.support.world import PASSWORD, World

ROUNDS = 15
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
    return {case: statistics.median(found) for case, found in costs.items()}


def _are_alike(medians: dict[str, float]) -> bool:
    reference = medians["wrong password"]
    return all(BAND[0] < cost / reference < BAND[1] for cost in medians.values())


def test_unknown_wrong_and_disabled_cost_the_same(world: World) -> None:
    login_once = world.user()
    world.login(login_once)  # the dummy hash and the keys are made at their first use
    _cost_s(world, "nobody@example.com", PASSWORD, 0)

    medians = _medians(world)

    assert _are_alike(medians), medians


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
