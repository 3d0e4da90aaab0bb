"""A session in the system's keyring. Needs the extra `keyring`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import keyring

from auth_user_tokens.file_store import FileLock


class KeyringStore:
    """service, user: the entry's name. A keyring cannot compare and set, so that a file in `lock_folder` (by default
    ~/.auth-user-tokens) makes it one step for all processes of the user; nothing secret is in it."""

    def __init__(self, service: str, user: str, lock_folder: Path | None = None) -> None:
        self._entry = (service, user)
        name = hashlib.sha256("\0".join(self._entry).encode()).hexdigest()[:32]
        self._lock = FileLock((lock_folder or Path.home() / ".auth-user-tokens") / f"{name}.lock")

    def __repr__(self) -> str:
        return "KeyringStore({!r}, {!r})".format(*self._entry)

    def get(self) -> str | None:
        text: str | None = keyring.get_password(*self._entry)
        return text

    def swap(self, seen: str | None, new: str | None) -> bool:
        with self._lock.held():
            if self.get() != seen:
                return False
            if new is not None:
                keyring.set_password(*self._entry, new)
            elif seen is not None:
                keyring.delete_password(*self._entry)
            return True
