"""A few minutes of `make soak`, with every kind of fault."""

from pathlib import Path

import pytest

from local.servers.database.clock import database_clock
from tests.soak.faults import Kind
from tests.soak.stage import Run, soak


@pytest.mark.slow
def test_nobody_loses_a_session_and_no_thief_keeps_one_whatever_is_struck(run_dir: Path) -> None:
    assert database_clock(run_dir / "clock"), "libfaketime is missing: scripts/setup-programs clock"

    figures = soak(Run(lasts_s=70, seed=20, clients=14, folder=run_dir / "soak"))

    assert figures.is_right, "\n".join((figures.markdown(), *figures.evidence))
    assert set(figures.faults) == {kind.value for kind in Kind}
    # Few, on a slow machine; and never none.
    assert figures.refreshes >= 20 and figures.calls >= 40
    assert figures.sign_ins >= 14 and figures.thefts >= 1
