"""Refresh keeps its invariants in every interleaving, and each rule of it is needed. docs/explanation/model.md"""

from pathlib import Path

import pytest

from tests.model.spin import MODEL, missing, search

needs_spin = pytest.mark.skipif(
    bool(missing()), reason=f"no model checker here: apt-get install {' '.join(missing())}"
)
# One request after the other: small, and enough to show what all rules are for but those of a race.
ONE = {"REQUESTS": 1}
EXACT_CLOCKS = {"CLOCK_STEP": 0, "SERVER_STEP": 0}

WHOLE = {
    "two requests at once": EXACT_CLOCKS,
    "clocks that step": ONE,
    "a longer window": {**ONE, "WINDOW": 4},
    "no window": {**ONE, "WINDOW": 0},
    "a longer chain": {**ONE, "GENERATIONS": 5},
    "the database's clock set back": {**ONE, "WINDOW": 4, "SERVER_STEP": -1},
}

# Without this rule of refresh.pml: the invariant that goes.
RULES = {
    "CONDITIONAL_WRITE": "one_chain",
    "LIVE_WRITE": "what_ended_stays_ended",
    "NOTHING_LATE": "a_503_is_followed_by_no_refusal",
    "WINDOW_FROM_COMMIT": "the_window_opens_at_the_commit",
    "CLOCK_EACH_LOOK": "the_window_opens_at_the_commit",
    "FIXED_WINDOW": "a_late_replay_is_found",
    "PREDECESSOR_ONLY": "an_older_token_is_never_repeated",
    "KEY_REPAIRS": "a_key_repairs_at_any_time",
    "RACES_FORGIVEN": "a_race_is_no_theft",
    "OVERTAKEN_SPARED": "a_race_is_no_theft",
    "OVERTAKEN_ASKED_AGAIN": "no_session_outlives_a_refusal",
    "DERIVED": "what_is_handed_out_lives",
    "COMMITTED_REVOCATION": "what_is_told_is_committed",
    "CLEANUP_OF_ENDED": "cleanup_takes_what_ended",
}
OF_A_RACE = {"CONDITIONAL_WRITE", "OVERTAKEN_SPARED", "OVERTAKEN_ASKED_AGAIN"}


@needs_spin
@pytest.mark.parametrize("bounds", WHOLE.values(), ids=WHOLE)
def test_every_invariant_holds(bounds: dict[str, int], tmp_path: Path) -> None:
    found = search(tmp_path, **bounds)

    print(found)
    assert found.violated is None, str(found)


@needs_spin
@pytest.mark.parametrize("rule", RULES)
def test_no_rule_can_be_taken_out(rule: str, tmp_path: Path) -> None:
    bounds = EXACT_CLOCKS if rule in OF_A_RACE else ONE

    found = search(tmp_path, shortest=True, **bounds, **{rule: 0})

    print(found)
    assert found.violated == RULES[rule], str(found)
    assert found.steps


@needs_spin
def test_a_database_clock_set_back_by_more_than_the_answer_s_time_is_not_borne(tmp_path: Path) -> None:
    found = search(tmp_path, shortest=True, **ONE, WINDOW=4, SERVER_STEP=-2)

    assert found.violated == "a_503_is_followed_by_no_refusal"


@needs_spin
def test_the_false_theft_is_told_step_by_step(tmp_path: Path) -> None:
    """A statement that its client gave up spends the token, and the client's next try is taken for theft."""
    found = search(tmp_path, shortest=True, **ONE, **EXACT_CLOCKS, NOTHING_LATE=0)

    steps = [step.removeprefix("request 0: ") for step in found.steps if step != "a tick"]
    assert steps == [
        "the owner shows generation 0",
        "current, sends its UPDATE",
        "gives up and answers 503",
        "the server spends generation 0",
        "the owner shows generation 0",
        "reuse",
    ]


def test_every_rule_of_the_model_is_taken_out_once() -> None:
    text = MODEL.read_text("utf-8")
    switches = text[: text.index("/* Bounds.")].count("#ifndef")

    assert switches == len(RULES)
    assert all(f"#ifndef {rule}\n" in text for rule in RULES)
