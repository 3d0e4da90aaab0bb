"""One HTTP request in two steps, so that many can leave together: connect first, then send."""

import http.client
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

TIMEOUT_S = 60
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0: nothing did. body: parsed JSON, or empty."""

    status: int
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)


class Request(Protocol):
    """Connects, then sends."""

    def connect(self) -> None: ...

    def send(self) -> Answer: ...


class Call:
    """A request that is ready to go, on a connection of its own."""

    def __init__(self, method: str, url: str, body: bytes = b"", **headers: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        self._target = parts.path + (f"?{parts.query}" if parts.query else "")
        self._method, self._body, self._headers = method, body, headers

    def connect(self) -> None:
        self._connection.connect()

    def send(self) -> Answer:
        """The answer; a connection that breaks is an answer of status 0."""
        try:
            self._connection.request(self._method, self._target, self._body or None, self._headers)
            answer = self._connection.getresponse()
            headers: dict[str, list[str]] = {}
            for name, value in answer.getheaders():
                headers.setdefault(name.lower(), []).append(value)
            joined = {name: ", ".join(values) for name, values in headers.items()}
            return Answer(answer.status, _parsed(answer.read()), joined)
        except (OSError, http.client.HTTPException) as exc:
            return Answer(0, {"error": type(exc).__name__})
        finally:
            self._connection.close()


def form_call(url: str, fields: dict[str, str], **headers: str) -> Call:
    """A POST of the OAuth form."""
    return Call("POST", url, urlencode(fields).encode(), **{"Content-Type": FORM, **headers})


def sent_together(requests: Sequence[Request]) -> list[Answer]:
    """The answers to requests that leave at the same moment, each on a connection that stands."""
    barrier = Barrier(len(requests), timeout=TIMEOUT_S)

    def send(request: Request) -> Answer:
        request.connect()
        barrier.wait()
        return request.send()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
