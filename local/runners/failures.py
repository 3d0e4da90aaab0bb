"""The errors that Lambda reports in place of a function that cannot report them itself."""

from __future__ import annotations

from local.runners import FunctionError


def timed_out(request_id: str, timeout_s: float) -> FunctionError:
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    return FunctionError("Sandbox.Timedout", message)


def exited(request_id: str, status: int) -> FunctionError:
    message = f"RequestId: {request_id} Error: Runtime exited with error: exit status {status}"
    return FunctionError("Runtime.ExitError", message)


def too_large_result(limit: int) -> FunctionError:
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return FunctionError("Function.ResponseSizeTooLarge", message)
