"""What a password costs: known user, unknown user, older hashes.

Run: PYTHONPATH=layers/shared python benchmarks/password_cost.py

Interleaved rounds, medians of CPU time, and the difference in units of the spread (median absolute deviation) of
the known user's wrong password: below about 1 nobody tells them apart in one request. Once as a young Portal has
it, where nobody has an older hash; once where all these are in use, and everybody takes the work of one of each.
"""

import statistics
import time
from collections.abc import Mapping

import bcrypt

from auth_tokens.adapters.passwords import PortalPasswords

ROUNDS = 30
BASE = "wrong password"


def cases(passwords: PortalPasswords) -> Mapping[str, str | None]:
    """What is verified → the stored hash."""
    older = PortalPasswords(memory_kib=65_536, passes=3)
    return {
        BASE: passwords.upgraded("the right one", ""),
        "unknown user": None,
        "no usable hash": "!locked",
        "older Argon2id (64 MiB, 3 passes)": older.upgraded("the right one", ""),
        "bcrypt of cost 10": bcrypt.hashpw(b"the right one", bcrypt.gensalt(10)).decode(),
        "bcrypt of cost 12": bcrypt.hashpw(b"the right one", bcrypt.gensalt(12)).decode(),
    }


def main() -> None:
    every = cases(PortalPasswords())
    young = {name: every[name] for name in (BASE, "unknown user", "no usable hash")}
    _measure("today's hashes only", PortalPasswords(), young)
    _measure("all of these in use", PortalPasswords(kinds_in_use=lambda: filter(None, every.values())), every)


def _measure(title: str, passwords: PortalPasswords, stored: Mapping[str, str | None]) -> None:
    times_ms: dict[str, list[float]] = {name: [] for name in stored}
    for _ in range(ROUNDS):
        for name, password_hash in stored.items():
            started = time.thread_time()
            passwords.verify("a guess", password_hash)
            times_ms[name].append((time.thread_time() - started) * 1000)
    middle = statistics.median(times_ms[BASE])
    spread = statistics.median(abs(ms - middle) for ms in times_ms[BASE])
    print(f"{title:34} median ms   against a {BASE}")
    for name, measured in times_ms.items():
        median = statistics.median(measured)
        print(
            f"{name:34} {median:9.2f}   {median / middle:5.2f} x, {abs(median - middle) / spread:5.2f} spreads"
        )


if __name__ == "__main__":
    main()
