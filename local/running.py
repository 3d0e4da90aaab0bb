"""Finds the service that this checkout has started: a mark in its state folder has the id that it serves."""

from __future__ import annotations

import http.client
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.host.files import replace_text
from local.host.paths import default_state_dir
from local.host.ports import DEFAULT_PORT, HOST, port_number

PATH = "/_local/running"
_FILE = "running.json"
_TIMEOUT_S = 3
_MAX_ANSWER_BYTES = 1000


class NotFound(Exception):
    """No service of this checkout. The text says what is there instead, and what to do."""


@dataclass(frozen=True)
class Mark:
    """A running service. pid: its process. id: random; the service returns it at PATH."""

    port: int
    pid: int
    id: str

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"


def new_mark(port: int) -> Mark:
    """The mark of a service of this process."""
    return Mark(port, os.getpid(), secrets.token_hex(16))


def leave_mark(mark: Mark, state_dir: Path) -> None:
    """Called when the service serves. Raises OSError."""
    replace_text(state_dir / _FILE, json.dumps(asdict(mark)))


def remove_mark(state_dir: Path) -> None:
    """Called when the service ends. Harmless without a mark."""
    (state_dir / _FILE).unlink(missing_ok=True)


def read_mark(state_dir: Path) -> Mark | None:
    """The mark in a state folder, also where its service was killed; None without one. Raises NotFound."""
    try:
        return Mark(**json.loads((state_dir / _FILE).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as exc:
        raise NotFound(f"{state_dir / _FILE} cannot be read: {exc}") from exc


def find_service(state_dir: Path | None = None, port: str | None = None) -> str:
    """The base URL of the service that this checkout has started.

    state_dir: None for the usual one. port: the one that must be its; None for PORT, and without PORT its own.
    Sends nothing but a GET of PATH. Raises NotFound, and ValueError for a port that is none.
    """
    mark = read_mark(state_dir or default_state_dir())
    wanted = port if port is not None else os.environ.get("PORT", "")
    at = port_number(wanted) if wanted else mark.port if mark else DEFAULT_PORT
    url = f"http://{HOST}:{at}"
    found = _served_id(at)
    if mark and found == mark.id:
        return url
    elsewhere = f" This checkout's service was at {mark.base_url}." if mark and mark.port != at else ""
    raise NotFound(f"{_what_is_there(url, found)}{elsewhere}")


def _what_is_there(url: str, found: str | None) -> str:
    match found:
        case None:
            return f"nothing answers at {url}: start `make run` first."
        case "":
            return f"{url} is not a service of `make run`: something else has its port."
        case _:
            return (
                f"the service at {url} was started by another checkout, or with another LOCAL_STATE_DIR;"
                " it was left alone."
            )


def _served_id(port: int) -> str | None:
    """The id that is served at a port: empty for something else, None if nothing answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", PATH)
        answer: Any = json.loads(connection.getresponse().read(_MAX_ANSWER_BYTES))
        return str(answer["id"])
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return ""
    finally:
        connection.close()
