"""Runners: how a Lambda function is invoked on one machine."""

from __future__ import annotations

from typing import Any, Protocol


class FunctionError(Exception):
    """A function failed; payload: what Lambda would answer (errorType, errorMessage, stackTrace)."""

    def __init__(self, error_type: str, error_message: str, payload: dict[str, Any] | None = None) -> None:
        super().__init__(f"{error_type}: {error_message}")
        self.error_type = error_type
        self.error_message = error_message
        self.payload = payload or {"errorType": error_type, "errorMessage": error_message}


class Throttled(FunctionError):
    """The function was not invoked: it, or the account, has as many executions as it may have."""


class PayloadTooLarge(FunctionError):
    """The function was not invoked: the event is larger than Lambda takes."""


class Runner(Protocol):
    """Invokes functions by logical id. Safe to call from many threads."""

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        """The function's result as JSON would carry it.

        timeout_s: how long the caller waits; the function's own time is its own matter.
        Raises FunctionError; TimeoutError where the caller waits no longer, and the function goes on.
        """

    def drop(self, function: str | None = None) -> None:
        """Forget the warm environments of a function, or of all: the next call starts cold."""

    def close(self) -> None:
        """End everything that was started."""
