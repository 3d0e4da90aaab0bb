"""The context object that a Lambda handler receives, for functions that run in this process."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

from local.templates.arns import function_arn
from local.templates.functions import FunctionSpec


@dataclass(frozen=True)
class LambdaContext:
    """Has the members of the runtime client's context. deadline: by the monotonic clock."""

    function_name: str
    memory_limit_in_mb: str
    invoked_function_arn: str
    deadline: float
    function_version: str = "$LATEST"
    log_group_name: str = "local"
    log_stream_name: str = "local"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def of(cls, spec: FunctionSpec) -> LambdaContext:
        """The context of an invocation that starts now."""
        deadline = time.monotonic() + spec.timeout_s
        return cls(spec.name, str(spec.memory_mb), function_arn(spec.name), deadline)

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))
