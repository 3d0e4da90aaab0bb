"""Runners invoke Lambda functions on one machine: the interface that they share, and its errors."""

from __future__ import annotations

from typing import Any, Protocol


class FunctionError(Exception):
    """A function failed. payload: what Lambda would return (errorType, errorMessage, stackTrace)."""

    def __init__(self, error_type: str, error_message: str, payload: dict[str, Any] | None = None) -> None:
        super().__init__(f"{error_type}: {error_message}")
        self.error_type = error_type
        self.error_message = error_message
        self.payload = payload or {"errorType": error_type, "errorMessage": error_message}


class Throttled(FunctionError):
    """The function was not invoked, because it or the account has reached its concurrency."""


class PayloadTooLarge(FunctionError):
    """The function was not invoked, because the event exceeds Lambda's limit."""


class Runner(Protocol):
    """Invokes functions by logical id. Safe to call from many threads."""

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        """The function's result, as it comes back from JSON.

        timeout_s: how long the caller waits. The function has its own time-out besides.
        Raises FunctionError, and TimeoutError when the caller's time is over: the function then continues.
        """

    def drop(self, function: str | None = None) -> None:
        """Ends the warm environments of one function, or of all: the next call is a cold start."""

    def close(self) -> None:
        """Ends everything that was started."""
