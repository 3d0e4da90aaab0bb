"""Results of cleanup."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of a batch of deletions. refused: rows that the database would not delete and that were skipped;
    is_last: no more rows are due, apart from those that other transactions hold."""

    deleted: int
    refused: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Debt:
    """Rows that are due and not yet deleted. rows: counted up to a bound; age_s: how long the oldest has been due."""

    rows: int
    age_s: int
