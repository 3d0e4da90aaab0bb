"""How long a revoked session still passes at another team's API: over HTTP, by the Lambda runtime.

Run: PYTHONPATH=.:layers/shared python benchmarks/revocation_delay.py

Starts the whole local service with a database of its own. Exits 1 if a delay is above REVOCATION_MAX_STALENESS_S.
"""

import statistics

from auth_tokens.settings import Settings
from local.options import ServerOptions
from local.stack import LocalStack
from tests.support.revocation_delay import delays

MOMENTS = 50
STATED_S = Settings.__dataclass_fields__["revocation_max_staleness_s"].default


def main() -> int:
    parameters = {"MaxSessions": "100", "RevocationMaxStalenessS": str(STATED_S)}
    with LocalStack(parameters, servers=ServerOptions(durable=False)) as stack:
        seen = sorted(delays(stack.base_url, moments=MOMENTS, within_s=20, bound_s=STATED_S, seed=1))
    print(f"{MOMENTS} revocations at random moments, stated delay {STATED_S} s")
    print(f"median {statistics.median(seen):.2f} s, largest {seen[-1]:.2f} s")
    return int(seen[-1] > STATED_S)


if __name__ == "__main__":
    raise SystemExit(main())
