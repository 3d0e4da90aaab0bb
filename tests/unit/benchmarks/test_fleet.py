"""The simulated environments: what is new to each, how late it is, and what none may miss."""

from benchmarks.fleet.__main__ import Counters, row
from benchmarks.fleet.environments import Fleet, Sample, Stamps
from tests.support.fakes import FakeRevocationLog


def write(log: FakeRevocationLog, stamp: Stamps) -> None:
    log.write(bytes(8) + stamp())


def test_each_environment_sees_each_new_revocation_once_and_what_was_there_before_not_at_all() -> None:
    log, stamp = FakeRevocationLog(), Stamps()
    write(log, stamp)
    fleet = Fleet([log] * 3, interval_s=0.02)
    fleet.start()
    for _ in range(5):
        write(log, stamp)

    fleet.run(0.08)
    sample = fleet.finish(written=5)

    assert (sample.seen, sample.missed) == (15, 0)
    assert len(sample.cpu_ms) >= 3 * 3
    assert 0 < sample.delay_s / sample.seen <= sample.most_s < 5


def test_a_revocation_that_no_look_found_is_missed_by_each() -> None:
    log, stamp = FakeRevocationLog(), Stamps()
    fleet = Fleet([log] * 2, interval_s=0.02)
    fleet.start()
    for _ in range(3):
        write(log, stamp)
    del log.rows[2]

    fleet.run(0.03)

    assert fleet.finish(written=3).missed == 2


def test_a_line_is_by_the_look() -> None:
    sample = Sample([1.0, 3.0], [2.0, 4.0], seen=4, delay_s=8, most_s=5, missed=0, late_s=0.1)

    line = row(10, "50/s", sample, (Counters(1.0, 100), Counters(1.5, 120)), seconds=4)

    assert line == (
        *("10", "50/s", "0.5", "10.0", "250.00", "0.12"),
        *("2.00", "4.0", "4.0", "2.00", "5.00", "0.10", "0"),
    )
