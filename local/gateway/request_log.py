"""One line for each request, for whoever watches `make run`; a refusal with the reason that its function logged."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from local.gateway.exchange import Exchange
from local.http.tokens import abbreviated

# Of each log file, where the line of a request that was answered just now is near the end.
_TAIL_BYTES = 32_768
_MAX_TEXT = 200
_RED, _GREEN, _YELLOW, _QUIET, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"


class RequestLog:
    """A gateway's Log. stream: gets the lines, in colour where it is a terminal. logs: the functions' log files."""

    def __init__(self, stream: TextIO, logs: Path) -> None:
        self._stream = stream
        self._logs = logs
        self._has_colour = has_colour(stream)

    def __call__(self, exchange: Exchange) -> None:
        reason = self._reason(exchange) if exchange.status >= 400 else ""
        line = self._line(exchange, reason)
        # One write, as requests end at the same time. A terminal that is gone is no fault of the request.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line)

    def _line(self, exchange: Exchange, reason: str) -> str:
        target = shown(exchange.target) or "-"
        status, quiet, plain = self._colours(exchange.status)
        took = f"{exchange.duration_s * 1000:.0f} ms"
        why = f"  {shown(reason)}" if reason else ""
        return (
            f"{quiet}{time.strftime('%H:%M:%S')}{plain} {exchange.method:7}{target:40} "
            f"{status}{exchange.status}{plain} {took:>8}{why}\n"
        )

    def _colours(self, status: int) -> tuple[str, str, str]:
        if not self._has_colour:
            return "", "", ""
        return (_GREEN if status < 400 else _YELLOW if status < 500 else _RED), _QUIET, _PLAIN

    def _reason(self, exchange: Exchange) -> str:
        """What the function or the authorizer logged for the request, else what the gateway has to say."""
        for name, line in self._lines_of(exchange.request_id):
            outcome, detail = str(line.get("outcome", "ok")), str(line.get("detail") or "")
            if outcome != "ok":
                where = f" ({name})" if exchange.status >= 500 else ""
                return f"{outcome}: {detail}{where}" if detail else f"{outcome}{where}"
        return exchange.reason

    def _lines_of(self, request_id: str) -> Iterator[tuple[str, dict[str, object]]]:
        """The newest log lines with a request's id, each with the name of its file."""
        if not request_id:
            return
        wanted = json.dumps(request_id).encode()
        with contextlib.suppress(OSError):
            for name in _newest_first(self._logs):
                for line in _lines_with(wanted, _tail(self._logs / name)):
                    with contextlib.suppress(ValueError):  # the tail begins within a line
                        yield name, json.loads(line)


def has_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours, and nobody asked for none (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shown(text: str) -> str:
    """A text of anybody's choice on one line: without tokens, with control characters escaped, cut where it is long."""
    safe = re.sub(r"[^ -~]", _escaped, abbreviated(text))
    return safe if len(safe) <= _MAX_TEXT else f"{safe[:_MAX_TEXT]}…"


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _newest_first(folder: Path) -> list[str]:
    """The names of a folder's log files, by when they were last written."""
    with os.scandir(folder) as entries:
        written = [(entry.stat().st_mtime_ns, entry.name) for entry in entries if entry.name.endswith(".log")]
    return [name for _, name in sorted(written, reverse=True)]


def _tail(path: Path) -> bytes:
    with path.open("rb", buffering=0) as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - _TAIL_BYTES))
        return log.read()


def _lines_with(wanted: bytes, text: bytes) -> Iterator[bytes]:
    """The lines that have some bytes, from the last."""
    end = len(text)
    while (found := text.rfind(wanted, 0, end)) >= 0:
        end = text.rfind(b"\n", 0, found) + 1
        yield text[end:].partition(b"\n")[0]
