"""Ports of the scheduled jobs."""

from typing import Protocol

from auth_tokens.domain.purges import Batch, Debt


class Leases(Protocol):
    """One run of a job at a time. Raises Unavailable."""

    def take(self, job: str, until_ms: int, now_ms: int) -> bool:
        """Hold the job until then; False where another run holds it now."""

    def release(self, job: str, until_ms: int) -> None:
        """Give up a lease that was taken until then."""


class RevocationAudit(Protocol):
    """Revocations of which authorizers were not told. Raises Unavailable."""

    def record_untold(self, since: int, now: int) -> int:
        """Record the sessions and access tokens that were revoked since an instant, of which an access token may be
        good, and that are not recorded. How many there were."""


class Purge(Protocol):
    """One table's rows past their end and retention. Each batch is its own commit, in index order."""

    name: str

    def delete_batch(self, now: int, rows: int) -> Batch:
        """Delete at most `rows` rows that are due. Raises Unavailable, and then nothing was deleted."""

    def debt(self, now: int) -> Debt:
        """What is due from the current position on: one bounded count."""
