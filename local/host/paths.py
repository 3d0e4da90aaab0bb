"""The project's folders."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
# The code of the shared layer, in the place of Lambda's /opt/python.
LAYER = ROOT / "layers" / "shared"
# Data of `make run`, and the programs that setup unpacked for an ordinary user. Git ignores it.
STATE = ROOT / ".local"
# The reference page of the API, by `make docs`.
REFERENCE = STATE / "reference"
