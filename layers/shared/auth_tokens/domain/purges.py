"""What cleanup comes to, batch by batch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch of deletions came to. refused: rows that the database would not delete, stepped over;
    is_last: nothing more is due, as far as others do not hold it."""

    deleted: int
    refused: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Debt:
    """What is due and still there. rows: counted up to a bound; age_s: how long the oldest has been due."""

    rows: int
    age_s: int
