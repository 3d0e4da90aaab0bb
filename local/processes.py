"""Children that do not outlive their parent, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None] | None:
    """For Popen's preexec_fn: ask the kernel to end the child when its parent is killed (Linux).

    The kernel means the thread that started the child: start children from one that lives on.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it went before we asked
            os._exit(1)

    return arrange


def stop(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """End a child: asked first, killed after `grace_s` seconds. Harmless for one that is gone."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
