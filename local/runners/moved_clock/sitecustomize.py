"""Python imports this module when it starts, if its folder is on the module path. It moves `time.time` and `time_ns`.

The offset in seconds is read at each call from the file MOVED_CLOCKS/PID; without that file it is 0. `datetime` and
`time.monotonic` are not moved. libfaketime is not used here, because with it `time.sleep` fails once the clock is set
back (0.9.10, Python 3.11). See local/runners/clocks.py.
"""

import os
import time
from pathlib import Path

_real_time, _real_time_ns = time.time, time.time_ns


def _offset_s() -> float:
    try:
        return float((Path(os.environ["MOVED_CLOCKS"]) / str(os.getpid())).read_text())
    except (KeyError, OSError, ValueError):
        return 0


def _moved_time() -> float:
    return _real_time() + _offset_s()


def _moved_time_ns() -> int:
    return _real_time_ns() + int(_offset_s() * 1_000_000_000)


time.time, time.time_ns = _moved_time, _moved_time_ns
