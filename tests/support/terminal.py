"""A program in the foreground of a terminal: it sees a window, and Ctrl-C is typed, not sent to one process alone."""

import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl

from local.host.paths import ROOT

PYTHONPATH = os.pathsep.join(str(ROOT / folder) for folder in (".", "layers/shared"))
CTRL_C = b"\x03"
# Longer than any of these programs takes beside much else.
_LONGEST_S = 180


@dataclass(frozen=True)
class Ended:
    """A program that has ended. told: everything on the terminal; took_s: from Ctrl-C to its end."""

    code: int
    told: str
    took_s: float


def interrupted(
    arguments: Sequence[str], at: str, variables: Mapping[str, str], *, columns: int = 80, times: int = 1
) -> Ended:
    """Runs `python -m …` on a terminal, and types Ctrl-C as soon as a text is told. times: it is typed."""
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "TERM": "xterm", **variables}
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-m", *arguments], environment)
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    told, typed_at, gives_up_at = b"", 0.0, time.monotonic() + _LONGEST_S
    try:
        while (read := _read(terminal, gives_up_at)) is not None:
            told += read
            if not typed_at and at.encode() in told:
                typed_at = time.monotonic()
                os.write(terminal, CTRL_C * times)
    except BaseException:
        os.killpg(pid, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    took_s = time.monotonic() - typed_at
    assert typed_at, told
    return Ended(os.waitstatus_to_exitcode(status), told.decode(errors="replace"), took_s)


def _read(terminal: int, until: float) -> bytes | None:
    """What is told next; None at the end."""
    readable, _, _ = select.select([terminal], [], [], max(0, until - time.monotonic()))
    assert readable, "it does not end"
    try:
        return os.read(terminal, 65_536) or None
    except OSError:  # as Linux has it where the last process of a terminal has closed it
        return None
