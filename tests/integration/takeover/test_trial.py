"""The trial of `make takeover-trial`, with fewer people."""

from tests.adoption.trial import run
from tests.support.legacy_portal import mapping
from tests.support.takeover_stage import Stage, stage_of


def test_nobody_is_signed_out_or_signed_in_twice_while_the_portal_rotates_and_connections_break(
    stage: Stage,
) -> None:
    report = run(stage, 60)

    assert report.is_clean, report
    assert (report.people, report.moved) == (60, 60)
    assert report.broken > 0


def test_without_a_mark_on_the_portals_rows_all_would_be_signed_in_twice(stage: Stage) -> None:
    document = mapping("integer", stage.portal.address.name, mark="leave")

    report = run(stage_of(stage.world, stage.portal, document, stage.folder), 12)

    assert (report.doubled, report.is_clean) == (12, False)
