import pytest

from auth_tokens.adapters.replay_memory import MEMORY_S, ReplayMemory
from tests.support.world import START


def full() -> None:
    pytest.fail("not full")


def test_a_proof_is_first_once() -> None:
    memory = ReplayMemory(full)

    assert [memory.is_first(b"a" * 16, START) for _ in range(3)] == [True, False, False]
    assert memory.is_first(b"b" * 16, START)


@pytest.mark.parametrize("before_s", [0, 1, MEMORY_S // 2, MEMORY_S, MEMORY_S + 1])
def test_a_proof_is_known_for_two_windows_whenever_it_came(before_s: int) -> None:
    """before_s: since the memory was last turned."""
    memory = ReplayMemory(full)
    memory.is_first(b"first", START - before_s)
    memory.is_first(b"proof", START)

    for later in (1, MEMORY_S - 1, MEMORY_S):
        memory.is_first(b"%d" % later, START + later)
        assert not memory.is_first(b"proof", START + later)


def test_a_proof_is_forgotten_after_it_has_long_expired() -> None:
    memory = ReplayMemory(full)
    memory.is_first(b"proof", START)
    memory.is_first(b"x", START + MEMORY_S + 1)

    assert memory.is_first(b"proof", START + 2 * MEMORY_S + 2)


def test_a_full_memory_drops_the_oldest_says_so_and_refuses_nobody() -> None:
    told: list[str] = []
    memory = ReplayMemory(lambda: told.append("full"), max_proofs=10)
    proofs = [number.to_bytes(16, "big") for number in range(11)]

    assert all(memory.is_first(proof, START) for proof in proofs)

    assert told == ["full", "full"]
    assert not memory.is_first(proofs[-1], START)
    assert not memory.is_first(proofs[5], START)
    assert memory.is_first(proofs[0], START)


def test_a_clock_that_was_set_back_forgets_nothing() -> None:
    memory = ReplayMemory(full)
    memory.is_first(b"proof", START)

    assert not memory.is_first(b"proof", START - 3600)
