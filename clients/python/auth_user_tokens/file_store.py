"""A session in a file, for all processes of one user on one machine."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from auth_user_tokens.errors import StoreError

# A write takes milliseconds; whoever holds the lock for longer is stopped or stuck.
LOCK_WAIT_S = 5.0
_POLL_S = 0.003
_MAX_BYTES = 65_536


class FileLock:
    """One process at a time, and one thread of it. The system frees it when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Raises StoreError: not to be had within LOCK_WAIT_S."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(self._path, flags, 0o600), "rb+") as file:
            give_up_at = time.monotonic() + LOCK_WAIT_S
            while not _try_lock(file):
                if time.monotonic() > give_up_at:
                    raise StoreError(f"another process holds {self._path}")
                time.sleep(_POLL_S)
            yield  # closing the file frees it


class FileStore:
    """path: readable and writable by its owner alone (0600), in a folder that is made so (0700). Beside it lies a lock,
    held while `swap` compares and writes, never during a request. A write is whole or not there: to a new file, flushed
    to the disk, put in place by a rename."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(os.path.realpath(Path(path).expanduser()))
        self._lock = FileLock(self._path.with_name(self._path.name + ".lock"))

    def __repr__(self) -> str:
        return f"FileStore({str(self._path)!r})"

    def get(self) -> str | None:
        try:
            with self._path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        if not content or len(content) > _MAX_BYTES:
            raise StoreError(f"{self._path} is no store: {'empty' if not content else 'too long'}")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise StoreError(f"{self._path} is no store: not UTF-8") from None

    def swap(self, seen: str | None, new: str | None) -> bool:
        with self._lock.held():
            self._remove_leftovers()
            if self._raw() != (None if seen is None else seen.encode()):
                return False
            if new is None:
                self._path.unlink(missing_ok=True)
            else:
                self._write(new.encode())
            return True

    def _raw(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def _write(self, content: bytes) -> None:
        descriptor, name = tempfile.mkstemp(prefix=self._prefix, dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._sync_folder()

    def _sync_folder(self) -> None:
        """So that the rename outlives a power cut, where a folder can be flushed. It has happened in any case."""
        with contextlib.suppress(OSError):
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _remove_leftovers(self) -> None:
        """Of processes that died while they wrote. Nobody else writes now."""
        for path in self._path.parent.glob(f"{self._prefix}*"):
            path.unlink(missing_ok=True)

    @property
    def _prefix(self) -> str:
        return f".{self._path.name}.new."


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
