"""Nonces of the service's own routes (RFC 9449 §8, §9), without state: all environments make and accept the same.

nonce = base64url(step (4 bytes) | keyed hash of the step (16 bytes)), 27 characters
"""

import hmac
from collections.abc import Callable

from auth_tokens.domain.base64url import to_base64url

STEP_S = 300
# A nonce is good in its own step, in the two after it, and, for clocks that differ, in the one before: for 10 to 15
# minutes, so that a client which refreshes each 10 minutes always has a good one.
STEPS_AFTER = 2
STEPS_BEFORE = 1
_LENGTH = 27


class Nonces:
    """keyed: 16 bytes that stand for a text, by a key of this service. It may raise Unavailable."""

    def __init__(self, keyed: Callable[[str], bytes]) -> None:
        self._keyed = keyed

    def current(self, now: int) -> str:
        """What a client is to put into its next proofs."""
        return self._of_step(now // STEP_S)

    def is_good(self, nonce: object, now: int) -> bool:
        """Was this nonce made by this service not long ago?"""
        if not isinstance(nonce, str) or len(nonce) != _LENGTH or not nonce.isascii():
            return False
        steps = range(now // STEP_S - STEPS_AFTER, now // STEP_S + STEPS_BEFORE + 1)
        return any(hmac.compare_digest(nonce, self._of_step(step)) for step in steps)

    def _of_step(self, step: int) -> str:
        raw = step.to_bytes(4, "big") + self._keyed(str(step))
        return to_base64url(raw)
