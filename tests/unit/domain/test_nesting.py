"""JSON from outside nests as deep as we say, not as the interpreter does."""

import json
import time

import pytest

from auth_tokens.domain.nesting import MAX_NESTING, nests_too_deep


def lists(depth: int) -> str:
    return "[" * depth + "]" * depth


def objects(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("nested", [lists, objects])
@pytest.mark.parametrize(
    ("depth", "is_too_deep"), [(MAX_NESTING, False), (MAX_NESTING + 1, True), (2500, True)]
)
def test_the_depth_is_bounded_on_both_sides_of_its_edge(nested, depth: int, is_too_deep: bool) -> None:  # type: ignore[no-untyped-def]
    assert nests_too_deep(nested(depth)) == is_too_deep


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([[1]] * 100),
        json.dumps({str(n): {} for n in range(100)}),
        json.dumps("[" * 100),
        json.dumps({"[" * 100: '{"' * 100}),
        json.dumps(["\\" + '"[' * 100, '\\"{']),
        json.dumps([lists(MAX_NESTING + 1)]),
    ],
    ids=["side by side", "objects side by side", "a string", "a name", "escaped quotes", "JSON in a string"],
)
def test_brackets_side_by_side_or_in_strings_are_no_depth(text: str) -> None:
    assert not nests_too_deep(text)


def test_depth_behind_a_string_of_closing_brackets_counts() -> None:
    assert nests_too_deep("[" * 10 + json.dumps("]" * 10)[:-1] + '",' + lists(7) + "]" * 10)


@pytest.mark.parametrize("text", ['\\"' * 8000, '"' * 16_001, "[]" * 8000, '"\\' * 8000, "{" + '"' * 16_000])
def test_broken_json_is_looked_through_in_one_pass(text: str) -> None:
    started = time.process_time()

    nests_too_deep(text + "[" * 17)

    assert time.process_time() - started < 0.1
