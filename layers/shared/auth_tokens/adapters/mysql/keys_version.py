"""Whether keys have changed since they were read: shown by the SELECTs of tokens and accounts, without another
statement.

Each cache of keys compares the version of its own read with the newest one that this environment has seen, so that a
withdrawal holds from the next SELECT of this environment on, not only when the cache is old.
"""

from __future__ import annotations

from auth_tokens.domain.ages import is_within

# A few dozen rows, read whole. Any key that comes, moves on or goes changes the sum.
_STAMP = "SUM(CRC32(CONCAT(kid, state)))"
KEYS_STAMP = f"(SELECT {_STAMP} FROM auth_token_keys AS k)"
KEYS_VERSION = f"{KEYS_STAMP} AS key_stamp"
# The same behind the lock of `o`, a row of auth_token_users: a value of that row cannot be used before it is read.
KEYS_STAMP_BEHIND_LOCK = f"(SELECT {_STAMP} + 0 * o.stop_number FROM auth_token_keys AS k)"


class KeysVersion:
    """The newest state of auth_token_keys that this environment has seen. newest: equal for the same state;
    None before the first."""

    def __init__(self) -> None:
        self.newest: object = None

    def see(self, state: object) -> bool:
        """Take the value of KEYS_VERSION in a row that was just read. Is it another one than before?"""
        is_new, self.newest = state != self.newest, state
        return is_new

    def changed(self) -> None:
        """This environment has changed a key itself, so earlier reads are outdated."""
        self.newest = object()


class KeysRead:
    """When a cache of keys was read last, and in which state it found them. at: None before the first time."""

    def __init__(self, version: KeysVersion | None) -> None:
        self._version = version or KeysVersion()
        self._state: object = None
        self.at: int | None = None

    def is_fresh(self, now: int, max_age_s: int) -> bool:
        """Is the read young enough, and has no change of keys been seen since?"""
        return is_within(now, self.at, max_age_s) and self._state == self._version.newest

    def done(self, now: int) -> None:
        """They were read just now."""
        self.at, self._state = now, self._version.newest
