"""Interrupts that are noted, for programs whose threads are still importing."""

import signal

import pytest

from local.host.interrupts import noted_interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_raises_nothing_until_it_is_looked_at_however_often_it_comes(number: signal.Signals) -> None:
    with noted_interrupts() as interrupts:
        interrupts.look()
        assert not interrupts.are_noted

        signal.raise_signal(number)
        signal.raise_signal(number)

        interrupts.wait()
        with pytest.raises(KeyboardInterrupt):
            interrupts.look()


def test_afterwards_the_signals_are_handled_as_before() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    with noted_interrupts():
        assert signal.getsignal(signal.SIGINT) != before[0]

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
