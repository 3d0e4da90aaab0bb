"""What a password costs: known user, unknown user, older hashes.

Run: PYTHONPATH=layers/shared python benchmarks/password_cost.py

Interleaved rounds, medians, and the difference in units of the spread (median absolute deviation) of the known
user's wrong password: below about 1 nobody tells them apart in one request.
"""

import statistics
import time
from collections.abc import Mapping

import bcrypt

from auth_tokens.adapters.passwords import PortalPasswords

ROUNDS = 60
BASE = "wrong password"


def cases(passwords: PortalPasswords) -> Mapping[str, str | None]:
    """What is verified → the stored hash."""
    older = PortalPasswords(memory_kib=8192, passes=1)
    return {
        BASE: passwords.upgraded("the right one", ""),
        "unknown user": None,
        "no usable hash": "!locked",
        "older Argon2id (8 MiB, 1 pass)": older.upgraded("the right one", ""),
        "bcrypt of cost 10": bcrypt.hashpw(b"the right one", bcrypt.gensalt(10)).decode(),
    }


def main() -> None:
    passwords = PortalPasswords()
    stored = cases(passwords)
    times_ms: dict[str, list[float]] = {name: [] for name in stored}
    for _ in range(ROUNDS):
        for name, password_hash in stored.items():
            started = time.perf_counter()
            passwords.verify("a guess", password_hash)
            times_ms[name].append((time.perf_counter() - started) * 1000)
    middle = statistics.median(times_ms[BASE])
    spread = statistics.median(abs(ms - middle) for ms in times_ms[BASE])
    print(f"{'':32} median ms   against a {BASE}")
    for name, measured in times_ms.items():
        median = statistics.median(measured)
        print(
            f"{name:32} {median:9.2f}   {median / middle:5.2f} x, {abs(median - middle) / spread:5.2f} spreads"
        )


if __name__ == "__main__":
    main()
