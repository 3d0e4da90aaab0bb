"""The project's folders."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The code of the shared layer, in the place of Lambda's /opt/python.
LAYER = ROOT / "layers" / "shared"
# Data of `make run`, and the programs that setup unpacked for an ordinary user. Git ignores it.
STATE = ROOT / ".local"
# In the state folder: the functions' log files.
LOGS = "logs"


def default_state_dir() -> Path:
    """`.local/` beside the project's files, or the folder that LOCAL_STATE_DIR names."""
    return Path(os.environ.get("LOCAL_STATE_DIR") or STATE)
