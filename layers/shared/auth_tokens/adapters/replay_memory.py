"""The proofs that this environment has seen, for as long as one may be good."""

from collections.abc import Callable
from threading import Lock

from auth_tokens.domain.dpop.proofs import WINDOW_S

# A proof that is dated ahead by the whole window is good until the end of the second one.
MEMORY_S = 2 * WINDOW_S
# Together 4.6 MB (measured).
MAX_PROOFS = 50_000


class ReplayMemory:
    """Port ports.proofs.SeenProofs: two sets, of which the older one is dropped as a whole. full: called where that is
    too early, as there are too many; safe in threads."""

    def __init__(self, full: Callable[[], None], max_proofs: int = MAX_PROOFS) -> None:
        self._full = full
        self._half = max_proofs // 2
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()
        self._recent_from = 0
        self._lock = Lock()

    def is_first(self, proof_id: bytes, now: int) -> bool:
        with self._lock:
            if now - self._recent_from > MEMORY_S:
                self._turn(now)
            if proof_id in self._recent or proof_id in self._older:
                return False
            if len(self._recent) >= self._half:
                self._turn(now)
                self._full()
            self._recent.add(proof_id)
            return True

    def _turn(self, now: int) -> None:
        self._older, self._recent, self._recent_from = self._recent, set(), now
