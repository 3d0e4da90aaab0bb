"""Labels: what tokens and sessions carry of what the Portal has."""

import pytest

from auth_tokens.domain.labels import (
    MAX_LABEL_LENGTH,
    MAX_LABELS_BYTES,
    MAX_LABELS_BYTES_BY_KMS,
    carried_labels,
    is_label,
)

LABELS = {
    "a word": "admin",
    "a colon": "tsp:operator",
    "a comma": "Berlin, Mitte",
    "an inner space": "tsp operator",
    "a quote and a backslash": '"\\',
    "percent": "100%",
    "other scripts": "Zürich 東京",
    "beyond the basic plane": "🚚",
    "the longest": "x" * MAX_LABEL_LENGTH,
}
OTHERS = {
    "empty": "",
    "one character too many": "x" * (MAX_LABEL_LENGTH + 1),
    "a space at its start": " admin",
    "a space at its end": "admin ",
    "a space alone": " ",
    "a line break": "admin\nroot",
    "a tab": "admin\troot",
    "NUL": "admin\0",
    "an escape": "\x1b[31madmin",
    "a control character of Latin-1": "admin\x85",
    "a line separator": "admin\u2028root",
    "a no-break space": "admin\u00a0",
    "a zero width space": "ad\u200bmin",
    "a change of direction": "\u202enimda",
    "a byte order mark": "\ufeffadmin",
    "a lone surrogate": "admin\ud800",
    "a character that is none": "\uffff",
    "a private one": "\ue000",
    "no text": None,
    "a number": 7,
}


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_a_label_is_carried_as_it_is(label: str) -> None:
    assert carried_labels([label], MAX_LABELS_BYTES) == (label,)


@pytest.mark.parametrize("label", OTHERS.values(), ids=OTHERS)
def test_what_is_no_label_is_left_out_and_takes_no_other_with_it(label: object) -> None:
    assert not is_label(label)
    assert carried_labels([label, "z", "a"], MAX_LABELS_BYTES) == ("a", "z")


def test_they_are_sorted_and_each_is_there_once() -> None:
    assert carried_labels(["b", "ä", "B", "b", "a"], MAX_LABELS_BYTES) == ("B", "a", "b", "ä")


@pytest.mark.parametrize(("count", "carried"), [(99, 99), (100, 100), (101, 100), (5000, 100)])
def test_of_many_the_first_are_carried(count: int, carried: int) -> None:
    labels = [f"{number:04}" for number in range(count)]

    assert carried_labels(reversed(labels), MAX_LABELS_BYTES) == tuple(labels[:carried])


@pytest.mark.parametrize("max_bytes", [MAX_LABELS_BYTES, MAX_LABELS_BYTES_BY_KMS])
def test_they_are_carried_up_to_the_first_that_does_not_fit(max_bytes: int) -> None:
    long = [f"{number:02}" + "x" * 59 for number in range(99)]  # 64 bytes each, with quotes and comma
    fitting = max_bytes // 64

    assert carried_labels(long, max_bytes) == tuple(long[:fitting])
    assert carried_labels([*long[:fitting], "z"], max_bytes) == tuple(long[:fitting])
    assert carried_labels([*long[: fitting - 1], long[fitting - 1] + "x"], max_bytes) == tuple(
        long[: fitting - 1]
    )


def test_bytes_count_not_characters() -> None:
    assert carried_labels(["aaaa", "üüüü"], 7 + 11) == ("aaaa", "üüüü")
    assert carried_labels(["aaaa", "üüüü"], 7 + 10) == ("aaaa",)
    assert carried_labels(['""'], 7) == ('""',)
    assert carried_labels(['""'], 6) == ()
