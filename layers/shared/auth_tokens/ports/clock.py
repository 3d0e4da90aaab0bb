"""Time as an argument: no rule and no use case reads a clock of its own."""

from collections.abc import Callable

Clock = Callable[[], int]
"""Epoch seconds."""
