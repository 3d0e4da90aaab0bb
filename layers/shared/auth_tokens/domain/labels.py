"""A user's labels as tokens and sessions carry them: bounded, whatever the Portal has (docs/adr/0021).

Rules of the service (LABEL_SCOPES, ADMIN_LABEL) decide on all labels of the database, not on what is carried.
"""

import json
from collections.abc import Collection
from itertools import accumulate

MAX_LABELS = 100
MAX_LABEL_LENGTH = 128
# In UTF-8, each with its quotes and comma. KMS signs at most 4096 bytes, so a token that it signs has less room.
MAX_LABELS_BYTES = 3072
MAX_LABELS_BYTES_BY_KMS = 1024


def is_label(value: object) -> bool:
    """Can it be carried? 1 to MAX_LABEL_LENGTH printable characters, no space at either end.

    Not printable are control characters, line breaks, lone surrogates, and characters that are invisible or change
    the writing direction: two different labels must not look alike.
    """
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_LABEL_LENGTH
        and value.isprintable()
        and value == value.strip()
    )


def carried_labels(labels: Collection[object], max_bytes: int) -> tuple[str, ...]:
    """The labels that tokens and sessions carry: valid ones, sorted and without duplicates, at most MAX_LABELS, up to
    the first that does not fit into max_bytes."""
    if not labels:
        return ()
    first = sorted({str(label) for label in labels if is_label(label)})[:MAX_LABELS]
    ends = accumulate(len(json.dumps(label, ensure_ascii=False).encode()) + 1 for label in first)
    return tuple(label for label, end in zip(first, ends, strict=True) if end <= max_bytes)
