"""The counting of `make adoption-demo`: what it prints at the end is what both sides say."""

import pytest

from tests.adoption.demo import Count, Demo, Person, verdict
from tests.adoption.place import Place
from tests.support.takeover_stage import Stage


@pytest.fixture
def demo(stage: Stage) -> Demo:
    """Six people, who are signed in to the Portal."""
    people = [Person(user, stage.token(user)) for user in stage.portal.people(6)]
    at = Place(stage.world, stage.portal.address, stage.world.shared.wrapper, stage.folder)  # type: ignore[arg-type]
    return Demo(at, stage.portal, people)


def test_each_person_is_found_where_they_are(demo: Demo, stage: Stage) -> None:
    here, gone, doubled, *_ = demo.people
    stage.take_over(here.held)
    stage.portal.call("end", token=gone.held)
    stage.take_over(doubled.held)
    stage.token(doubled.user)

    count = demo.counted("now", 0)

    assert (count.there, count.here, count.signed_out, count.doubled) == (4, 2, 1, 1)


@pytest.mark.parametrize(
    ("signed_out", "doubled", "differing", "unchanged", "code"),
    [(0, 0, 0, True, 0), (1, 0, 0, True, 1), (0, 1, 0, True, 1), (0, 0, 1, True, 1), (0, 0, 0, False, 1)],
)
def test_the_last_line_and_the_exit_code_are_of_all_phases(
    demo: Demo,
    capsys: pytest.CaptureFixture[str],
    signed_out: int,
    doubled: int,
    differing: int,
    unchanged: bool,
    code: int,
) -> None:
    demo.counts = [Count("first", 6, 0, signed_out, doubled, 0), Count("second", 6, 0, 0, 0, 0)]
    demo.differing = differing

    assert verdict(demo, unchanged=unchanged) == code
    assert capsys.readouterr().out.splitlines()[-1] == f"{signed_out} signed out, {doubled} doubled"
