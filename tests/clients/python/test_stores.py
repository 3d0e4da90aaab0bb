"""The stores: compare and set for all threads and processes, whole files for their owner alone."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from auth_user_tokens import FileStore, MemoryStore, Store, StoreError, file_store
from auth_user_tokens.keyring_store import KeyringStore
from tests.clients.python.lab import Lab

CLIENT = Path(__file__).parents[3] / "clients" / "python"
COUNT = """
import sys, time
from auth_user_tokens import FileStore
store = FileStore(sys.argv[1])
for _ in range(6):
    time.sleep(0.02)
    while not store.swap(text := store.get(), str(int(text or 0) + 1)):
        pass
"""


class Chest(KeyringBackend):
    """A keyring in memory."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture
def chest() -> Chest:
    before, made = keyring.get_keyring(), Chest()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture(params=["memory", "file", "keyring"])
def store(request: pytest.FixtureRequest, tmp_path: Path, chest: Chest) -> Store:
    makers: dict[str, Callable[[], Store]] = {
        "memory": MemoryStore,
        "file": lambda: FileStore(tmp_path / "new" / "session"),
        "keyring": lambda: KeyringStore("example", "alice", tmp_path),
    }
    return makers[request.param]()


def test_a_store_writes_only_over_what_the_writer_has_seen(store: Store) -> None:
    assert store.get() is None
    assert not store.swap("something", "a")
    assert store.swap(None, "a")
    assert not store.swap(None, "b")
    assert not store.swap("b", "c")
    assert store.swap("a", "ünd ✓")
    assert store.get() == "ünd ✓"
    assert store.swap("ünd ✓", None)
    assert store.get() is None
    assert store.swap(None, None)


def test_of_many_threads_one_wins_each_time(store: Store) -> None:
    def count() -> None:
        for _ in range(5):
            time.sleep(0.02)
            while not store.swap(text := store.get(), str(int(text or 0) + 1)):
                pass

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert store.get() == "20"


def test_of_many_processes_one_wins_each_time(tmp_path: Path) -> None:
    path = tmp_path / "count"
    environment = {**os.environ, "PYTHONPATH": str(CLIENT)}
    counting = [subprocess.Popen([sys.executable, "-c", COUNT, path], env=environment) for _ in range(2)]
    for process in counting:
        assert process.wait(60) == 0

    assert FileStore(path).get() == "12"


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    os.umask(before := os.umask(0))
    os.umask(0)
    try:
        FileStore(tmp_path / "config" / "session").swap(None, "secret")
    finally:
        os.umask(before)

    assert (tmp_path / "config").stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "config").iterdir()}
    assert modes == {"session": 0o600, "session.lock": 0o600}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    FileStore(tmp_path / "link").swap(None, "secret")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "secret"


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"x" * 70_000], ids=["empty", "no text", "endless"]
)
def test_a_file_that_is_no_store_is_an_error_and_a_sign_in_replaces_it(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "session"
    path.write_bytes(content)
    session = Lab(FileStore(path)).session()

    with pytest.raises(StoreError):
        session.access_token()

    assert path.read_bytes() == content


def test_what_a_process_left_half_written_is_removed_by_the_next_write(tmp_path: Path) -> None:
    (tmp_path / ".session.new.abc").write_text("half a secr")
    (tmp_path / "other").write_text("not ours")
    store = FileStore(tmp_path / "session")

    assert store.get() is None
    store.swap(None, "a")

    assert {path.name for path in tmp_path.iterdir()} == {"session", "session.lock", "other"}


def test_a_disk_that_is_full_leaves_the_old_text_and_no_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path / "session")
    store.swap(None, "a")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_store.os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        store.swap("a", "b")

    assert store.get() == "a"
    assert {path.name for path in tmp_path.iterdir()} == {"session", "session.lock"}


def test_a_lock_that_is_not_given_back_is_an_error_after_a_while_and_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_store, "LOCK_WAIT_S", 0.05)
    store = FileStore(tmp_path / "session")
    store.swap(None, "a")

    with file_store.FileLock(tmp_path / "session.lock").held():
        assert store.get() == "a"
        with pytest.raises(StoreError, match="another process"):
            store.swap("a", "b")

    assert store.swap("a", "b")


def test_a_locked_keyring_is_an_error_and_signs_nobody_out(chest: Chest, tmp_path: Path) -> None:
    lab = Lab(KeyringStore("example", "alice", tmp_path))
    session = lab.signed_in()
    lab.clock.passes(700)
    chest.is_locked = True

    with pytest.raises(StoreError):
        session.access_token()

    chest.is_locked = False
    assert session.access_token() == "access-1"
    assert "SignedOutEvent" not in lab.told()


def test_a_folder_that_cannot_be_written_is_an_event_and_the_session_lives_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lab = Lab(FileStore(tmp_path / "file" / "session"))
    session = lab.session()

    with pytest.raises(StoreError):
        session.access_token()
