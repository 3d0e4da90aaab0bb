"""scripts/packages installs as root, and unpacks for whoever is not."""

import stat
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "packages"
APT = """
echo "apt-get $*" >>"$LOG"
for option; do case $option in Dir::Cache=*) cache=${option#Dir::Cache=} ;; esac; done
case " $* " in
*' update '*) exit "${UPDATE:-0}" ;;
*' --download-only '*) touch "$cache/archives/server.deb" "$cache/archives/library.deb"; exit "${DOWNLOAD:-0}" ;;
esac
"""
DPKG = 'touch "$3/$(basename "$2")"'


class Machine:
    """A machine of stand-ins: who one is, and what apt does."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.tree = folder / "tree"
        self.log = folder / "log"
        self.bin.mkdir()
        self.put("apt-get", APT)
        self.put("dpkg-deb", DPKG)
        self.put("id", "echo 1000")
        self.put("sudo", "exit 1")

    def put(self, name: str, script: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(stat.S_IRWXU)

    def bring(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        path = f"{self.bin}:/usr/bin:/bin"
        return subprocess.run(
            [SCRIPT, self.tree, "server"],
            env={"PATH": path, "LOG": str(self.log), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_ordinary_user_gets_the_packages_with_what_they_need_unpacked(machine: Machine) -> None:
    done = machine.bring()

    assert (done.returncode, done.stdout) == (0, "")
    assert "neither root nor sudo without a password: unpacking server here" in done.stderr
    assert {path.name for path in machine.tree.iterdir()} == {"server.deb", "library.deb"}
    # Lists and cache of its own: nothing that needs a right.
    assert all("Dir::State::lists=" in call and "Dir::Cache=" in call for call in machine.calls)


def test_an_older_tree_is_replaced(machine: Machine) -> None:
    machine.tree.mkdir()
    (machine.tree / "old").touch()

    assert machine.bring().returncode == 0

    assert not (machine.tree / "old").exists()


@pytest.mark.parametrize("broken", ["UPDATE", "DOWNLOAD"])
def test_what_could_not_be_brought_whole_leaves_no_tree(machine: Machine, broken: str) -> None:
    assert machine.bring(**{broken: "100"}).returncode != 0

    assert not machine.tree.exists()


@pytest.mark.parametrize("who", ["root", "sudo"])
def test_root_installs_also_where_the_lists_cannot_be_read_anew(machine: Machine, who: str) -> None:
    if who == "root":
        machine.put("id", "echo 0")
    else:
        machine.put("sudo", 'shift; exec "$@"')

    assert machine.bring(UPDATE="100").returncode == 0

    assert machine.calls[-1].endswith("install --no-install-recommends server")
    assert not machine.tree.exists()


def test_where_there_is_no_apt_it_says_so(machine: Machine, tmp_path: Path) -> None:
    for name in ("apt-get", "dpkg-deb"):
        (machine.bin / name).unlink()
    for name in ("sh", "dirname"):
        found = next(Path(folder, name) for folder in ("/usr/bin", "/bin") if Path(folder, name).exists())
        (machine.bin / name).symlink_to(found)
    done = subprocess.run(
        ["/bin/sh", SCRIPT, machine.tree, "server"],
        env={"PATH": str(machine.bin)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "there is no apt here to bring server by" in done.stderr
