"""What a start is doing, one line a step."""

from __future__ import annotations

import time
from typing import TextIO


class Progress:
    """Writes each step when it begins, with the seconds since this object was made."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = time.monotonic()

    def __call__(self, step: str) -> None:
        print(f"{time.monotonic() - self._started:5.1f} s  {step}", file=self._stream, flush=True)
