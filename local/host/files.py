"""Files that other processes read while they are written."""

from __future__ import annotations

from pathlib import Path


def replace_text(file: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file in one step: a reader finds the old text or the new one, never a part, also where the writer is
    interrupted. mode: who may read it."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode)
    fresh.write_text(text)
    fresh.replace(file)
